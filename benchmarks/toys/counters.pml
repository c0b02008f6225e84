/* Six counters, each from 0 to 9. */

byte c[6];

#define COUNT(i) d_step { c[i] < 9; c[i]++ }

active proctype counters()
{
end:	do
	:: COUNT(0)
	:: COUNT(1)
	:: COUNT(2)
	:: COUNT(3)
	:: COUNT(4)
	:: COUNT(5)
	od
}
