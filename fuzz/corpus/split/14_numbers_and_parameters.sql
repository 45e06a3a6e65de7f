select 1., .5, 1.5e10, 1e-5, 0x1F, 0b101, 0o17, 1_000_000, 1.e5;
prepare p as select $1, $2::int, $10+$11;
select a[1:2], a[:], 1 as e1, 2 as x;
select 1;
