select E'a' -- joins; it's the next line's
  'b\';c' as joined, 'plain'
  -- ; '
  '\' as ended;
select x'A' -- ;
  'B';
