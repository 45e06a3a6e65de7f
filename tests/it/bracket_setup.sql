-- Triggers in all four states on a plain table, a partitioned one with partitions of partitions, and one that is
-- inherited from; names that must be quoted; foreign keys between them.
create schema "my ""schema";
create function public.noted() returns trigger language plpgsql as $$
begin
    if tg_level = 'ROW' and tg_op <> 'DELETE' then return new; end if;
    return old;
end $$;

create table "my ""schema"."Tab; drop" (id int primary key, v int);
create trigger o after insert on "my ""schema"."Tab; drop" for each row execute function public.noted();
create trigger d after update on "my ""schema"."Tab; drop" for each row execute function public.noted();
create trigger r after delete on "my ""schema"."Tab; drop" for each statement execute function public.noted();
create trigger "A'""; --" before insert on "my ""schema"."Tab; drop" for each row execute function public.noted();
create constraint trigger "ALL" after insert on "my ""schema"."Tab; drop" deferrable initially deferred
    for each row execute function public.noted();
create trigger "user" after update on "my ""schema"."Tab; drop" for each row execute function public.noted();
alter table "my ""schema"."Tab; drop" disable trigger d, enable replica trigger r,
    enable always trigger "A'""; --";

create table public.tree (id int, k int, primary key (id, k)) partition by range (k);
create table public.low partition of public.tree for values from (0) to (10);
create table public.high partition of public.tree for values from (10) to (100) partition by range (k);
create table public.high_1 partition of public.high for values from (10) to (50);
create trigger po after insert on public.tree for each row execute function public.noted();
create trigger pd after update on public.tree for each row execute function public.noted();
create trigger pr after delete on public.tree for each row execute function public.noted();
create trigger pa after delete on public.tree for each row execute function public.noted();
create trigger local_a after insert on public.high_1 for each row execute function public.noted();
create trigger local_d after insert on public.low for each row execute function public.noted();
alter table public.tree disable trigger pd, enable replica trigger pr, enable always trigger pa;
alter table public.high_1 enable always trigger local_a;
alter table public.low disable trigger local_d;
-- A partition whose copies have gone their own ways.
alter table only public.low enable replica trigger po, enable trigger pd;
alter table only public.high disable trigger pa;

create table public.mother (id int primary key, v int);
create table public.daughter (extra int) inherits (public.mother);
create table public.granddaughter () inherits (public.daughter);
create trigger m after insert on public.mother for each row execute function public.noted();
create trigger da after insert on public.daughter for each row execute function public.noted();
create trigger gr after insert on public.granddaughter for each row execute function public.noted();
create trigger gd after insert on public.granddaughter for each row execute function public.noted();
alter table public.daughter enable always trigger da;
alter table public.granddaughter enable replica trigger gr, disable trigger gd;

create table public.child (
    id int primary key,
    mother int references public.mother deferrable initially deferred,
    tree_id int, tree_k int,
    full_id int, full_k int,
    constraint child_tree foreign key (tree_id, tree_k) references public.tree,
    constraint child_full foreign key (full_id, full_k) references public.tree match full
);
insert into public.mother values (1, 1), (2, 2);
insert into public.tree values (1, 1), (2, 20);
insert into public.child values (1, 1, 1, 1, 2, 20), (2, null, 1, null, null, null);
