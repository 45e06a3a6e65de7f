select N'a;', B'01', X'1F', b'1'
  '0', x'A'
	'B', date '2020-01-01', interval '1;' day, type 'e;', e 'f;';
select 'a'
  'b;'
  'c'; select 'a' /* no join */ as "b;"
;
