copy t (a, b) from stdin; -- the data starts on the next line
1	it's; $$
2	/* \\.
\.
copy t from stdin with (format csv, header);
a,"b;
c"
\.
copy empty from stdin /* none */;
\.
select 1;
