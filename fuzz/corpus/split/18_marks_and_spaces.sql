-- a mark at the start is nothing;
select 1 as ﻿x,   ,  ;
select ı, é$1$é from (select 1) as x (é$1$é);
