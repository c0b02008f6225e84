-- Six counters, each from 0 to 9.
type
  counter: 0..5;
var
  c: array [counter] of 0..9;

ruleset i: counter do
  rule "count" c[i] < 9 ==> begin c[i] := c[i] + 1; end;
end;

startstate begin
  for i: counter do c[i] := 0; end;
end;
