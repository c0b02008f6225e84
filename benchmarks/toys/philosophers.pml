/* Sixteen dining philosophers, of whom the last takes his forks in the other order.
   0: thinks, 1: has his first fork, 2: has both; he puts both down at once.
   Who has a fork can be told from its two neighbours. */

byte p[16];

#define GO(i, first, second) \
	:: d_step { p[i] == 2 || (p[i] == 1 && second) || (p[i] == 0 && first); \
		p[i] = (p[i] == 2 -> 0 : p[i] + 1) }
#define SEAT(l, i, r) GO(i, p[l] != 2, p[r] == 0)

active proctype table()
{
	do
	GO(0, p[15] == 0, p[1] == 0)
	SEAT(0, 1, 2)
	SEAT(1, 2, 3)
	SEAT(2, 3, 4)
	SEAT(3, 4, 5)
	SEAT(4, 5, 6)
	SEAT(5, 6, 7)
	SEAT(6, 7, 8)
	SEAT(7, 8, 9)
	SEAT(8, 9, 10)
	SEAT(9, 10, 11)
	SEAT(10, 11, 12)
	SEAT(11, 12, 13)
	SEAT(12, 13, 14)
	GO(14, p[13] != 2, p[15] != 2)
	GO(15, p[0] == 0, p[14] != 2)
	od
}
