set standard_conforming_strings = on;
select 'a\'; select '\\;';
select 'C:\', 'D:\;\';
alter role r set standard_conforming_strings = off;
