-- Sixteen dining philosophers, of whom the last takes his forks in the other order.
-- 0: thinks, 1: has his first fork, 2: has both; he puts both down at once.
-- Who has a fork can be told from its two neighbours.
const
  N: 16;
type
  seat: 0..N - 1;
var
  p: array [seat] of 0..2;

procedure go(i: seat);
begin
  if p[i] = 2 then p[i] := 0; else p[i] := p[i] + 1; end;
end;

ruleset i: 1..N - 3 do
  rule "seat" p[i] = 2 | (p[i] = 1 & p[i + 1] = 0) | (p[i] = 0 & p[i - 1] != 2) ==>
  begin go(i); end;
end;
rule "first seat" p[0] = 2 | (p[0] = 1 & p[1] = 0) | (p[0] = 0 & p[N - 1] = 0) ==>
begin go(0); end;
rule "last but one" p[N - 2] = 2 | (p[N - 2] = 1 & p[N - 1] != 2) | (p[N - 2] = 0 & p[N - 3] != 2)
==> begin go(N - 2); end;
rule "last" p[N - 1] = 2 | (p[N - 1] = 1 & p[N - 2] != 2) | (p[N - 1] = 0 & p[0] = 0) ==>
begin go(N - 1); end;

startstate begin
  for i: seat do p[i] := 0; end;
end;
