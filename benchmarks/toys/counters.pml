/* Six counters, each from 0 to 9. */

unsigned c0 : 4;
unsigned c1 : 4;
unsigned c2 : 4;
unsigned c3 : 4;
unsigned c4 : 4;
unsigned c5 : 4;

#define COUNT(c) d_step { c < 9; c++ }

active proctype counters()
{
end:	do
	:: COUNT(c0)
	:: COUNT(c1)
	:: COUNT(c2)
	:: COUNT(c3)
	:: COUNT(c4)
	:: COUNT(c5)
	od
}
