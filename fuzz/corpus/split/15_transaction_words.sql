begin; select 1; end;
begin isolation level serializable, read only;
savepoint begin; release begin; rollback to savepoint "end";
start transaction; commit and chain; end transaction;
explain select 1; prepare transaction 'begin atomic;';
