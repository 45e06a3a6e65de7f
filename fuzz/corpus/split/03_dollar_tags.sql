select $é$ ; $e$ $$ $é$, $naïve$;$naïve$, $变量$ ; '$变量$, $_1$;$_1$;
select $a$ $b$ ; $b$ $ $$ ; $a$, a$b$c from (select 1 as a$b$c) as s;
select $1, $2-$3 from t; select $1 as a$, a$$a from x as a$$a;
do $DO$ begin perform $do$;$do$; end $DO$;
