/* outer /* inner ; */ ' still " ; */ select 1 /* a */;
/*/*/*;*/*/*/ select 2 /**/ - /**/ 3; -- tail ; ' " $$
/* ; **/ select 4 /* -- */;
-- /* not opened ;
select 5; --*/
