/* Sixteen dining philosophers, of whom the last takes his forks in the other order.
   0: thinks, 1: has his first fork, 2: has both; he puts both down at once.
   Who has a fork can be told from its two neighbours. */

unsigned p0 : 2;
unsigned p1 : 2;
unsigned p2 : 2;
unsigned p3 : 2;
unsigned p4 : 2;
unsigned p5 : 2;
unsigned p6 : 2;
unsigned p7 : 2;
unsigned p8 : 2;
unsigned p9 : 2;
unsigned p10 : 2;
unsigned p11 : 2;
unsigned p12 : 2;
unsigned p13 : 2;
unsigned p14 : 2;
unsigned p15 : 2;

#define GO(p, first, second) \
	:: d_step { p == 2 || (p == 1 && second) || (p == 0 && first); \
		p = (p == 2 -> 0 : p + 1) }
#define SEAT(l, p, r) GO(p, l != 2, r == 0)

active proctype table()
{
	do
	GO(p0, p15 == 0, p1 == 0)
	SEAT(p0, p1, p2)
	SEAT(p1, p2, p3)
	SEAT(p2, p3, p4)
	SEAT(p3, p4, p5)
	SEAT(p4, p5, p6)
	SEAT(p5, p6, p7)
	SEAT(p6, p7, p8)
	SEAT(p7, p8, p9)
	SEAT(p8, p9, p10)
	SEAT(p9, p10, p11)
	SEAT(p10, p11, p12)
	SEAT(p11, p12, p13)
	SEAT(p12, p13, p14)
	GO(p14, p13 != 2, p15 != 2)
	GO(p15, p0 == 0, p14 != 2)
	od
}
