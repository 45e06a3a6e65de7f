create operator @-+ (leftarg = int, rightarg = int, procedure = f);
select 1+--;
2, 1*/*;*/2, 1 @/*;*/ 2, 1 <->-- '
 3, 5 %/* /* */ ; */ 2;
select @-1, |/ 4, 1 operator(pg_catalog.+) 2, a->>'b;', c#>'{;}';
select 1 - - 2; select 1 -
-2;
