select E'\';' , e'\\' , E'\\\';', E''';', 'a\', ';', E'\x3b', E'\u003b';
select E'a'

  'b\';c' as joined, 'plain'
  '\' as ended;
select E'last\\';
