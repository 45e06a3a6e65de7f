-- added schema other
CREATE SCHEMA other

-- changed schema app: owner
ALTER SCHEMA app OWNER TO writer

-- changed schema app: acl
GRANT USAGE ON SCHEMA app TO reader

-- changed schema app: comment
COMMENT ON SCHEMA app IS 'x'

-- added extension pg_trgm
CREATE EXTENSION pg_trgm

-- changed extension citext: in_schema
CREATE SCHEMA IF NOT EXISTS app;
ALTER EXTENSION citext SET SCHEMA public

-- changed enum app.mood: labels
ALTER TYPE app.mood RENAME VALUE 'sad' TO 'low'

-- changed enum app.mood: acl
REVOKE USAGE ON TYPE app.mood FROM public

-- changed column app.pair.b: type
ALTER TYPE app.pair ALTER ATTRIBUTE b TYPE varchar(9)

-- added column app.pair.c
ALTER TYPE app.pair ADD ATTRIBUTE c date

-- changed domain app.positive: default
ALTER DOMAIN app.positive SET DEFAULT 2

-- added constraint small on app.positive
ALTER DOMAIN app.positive ADD CONSTRAINT small CHECK (VALUE < 9)

-- added constraint small on app.positive
ALTER DOMAIN app.positive ADD CONSTRAINT small CHECK (VALUE < 9) NOT VALID

-- added range app.days
CREATE TYPE app.days AS RANGE (subtype = date)

-- added type app.shell
CREATE TYPE app.shell

-- changed sequence app.counter: increment
ALTER SEQUENCE app.counter INCREMENT 2

-- changed sequence app.counter: max, type
ALTER SEQUENCE app.counter AS integer

-- changed sequence app.counter: owned_by
ALTER SEQUENCE app.counter OWNED BY app.pet.id

-- changed sequence app.counter: acl
GRANT USAGE ON SEQUENCE app.counter TO reader

-- changed function app.one(): definition
CREATE OR REPLACE FUNCTION app.one() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2'

-- changed function app.one(): definition
ALTER FUNCTION app.one() STABLE

-- changed function app.one(): definition
ALTER FUNCTION app.one() SET search_path = ''

-- changed function app.one(): definition
ALTER FUNCTION app.one() SECURITY DEFINER

-- changed function app.one(): acl
REVOKE EXECUTE ON FUNCTION app.one() FROM public

-- changed function app.one(): owner
ALTER FUNCTION app.one() OWNER TO writer

-- added function app.one(a integer)
CREATE FUNCTION app.one(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a'

-- changed procedure app.act(): definition
CREATE OR REPLACE PROCEDURE app.act() LANGUAGE sql AS 'SELECT 2'

-- changed aggregate app.total(integer): aggregate
CREATE OR REPLACE AGGREGATE app.total(integer) (sfunc = int4pl, stype = integer, initcond = '1')

-- changed operator app.===(app.pair, app.pair): restriction
ALTER OPERATOR app.=== (app.pair, app.pair) SET (restrict = eqsel)

-- added operator app.!==(app.pair, app.pair)
CREATE OPERATOR app.!== (leftarg = app.pair, rightarg = app.pair, function = app.same)

-- changed operator family app.pairs using btree: operators
ALTER OPERATOR FAMILY app.pairs USING btree ADD OPERATOR 1 < (integer, integer)

-- added cast app.pair as text
CREATE CAST (app.pair AS text) WITH INOUT AS ASSIGNMENT

-- added collation app.other
CREATE COLLATION app.other FROM app.plain

-- added conversion app.conv
CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8

-- added access method heap2
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler

-- changed text search dictionary app.words: definition
ALTER TEXT SEARCH DICTIONARY app.words (accept = false)

-- changed text search configuration app.search: definition
ALTER TEXT SEARCH CONFIGURATION app.search DROP MAPPING FOR email

-- changed foreign-data wrapper nowhere: options
ALTER FOREIGN DATA WRAPPER nowhere OPTIONS (ADD debug 'true')

-- changed server far: options
ALTER SERVER far OPTIONS (SET host 'b')

-- changed server far: acl
GRANT USAGE ON FOREIGN SERVER far TO reader

-- changed user mapping reader server far: options
ALTER USER MAPPING FOR reader SERVER far OPTIONS (SET password 'two')

-- added table app.new
-- added column app.new.a
CREATE TABLE app.new (a integer)

-- removed table app.log_new
-- removed column app.log_new.at
-- removed column app.log_new.what
DROP TABLE app.log_new

-- changed table app.pet: owner
ALTER TABLE app.pet OWNER TO writer

-- changed table app.pet: acl
GRANT SELECT ON app.pet TO reader

-- changed table app.pet: acl
REVOKE ALL ON app.pet FROM CURRENT_USER

-- changed table app.pet: persistence
ALTER TABLE app.pet SET UNLOGGED

-- changed table app.pet: options
ALTER TABLE app.pet SET (fillfactor = 70)

-- changed table app.person: toast_options
ALTER TABLE app.person SET (toast.autovacuum_enabled = off)

-- changed table app.person: row_level_security
ALTER TABLE app.person ENABLE ROW LEVEL SECURITY

-- changed table app.person: force_row_level_security
ALTER TABLE app.person FORCE ROW LEVEL SECURITY

-- changed table app.person: replica_identity
ALTER TABLE app.person REPLICA IDENTITY FULL

-- changed constraint person_pkey on app.person: replica_identity
ALTER TABLE app.person REPLICA IDENTITY USING INDEX person_pkey

-- changed table app.person: comment
COMMENT ON TABLE app.person IS 'x'

-- changed table app.pet: inherits
-- added column app.pet.a
ALTER TABLE app.pet ADD COLUMN a integer;
ALTER TABLE app.pet INHERIT app.parent

-- changed index person_name on app.person: clustered
ALTER TABLE app.person CLUSTER ON person_name

-- changed column app.person.email: type
ALTER TABLE app.person ALTER email TYPE varchar(10)

-- changed column app.person.note: collation
ALTER TABLE app.person ALTER note TYPE text COLLATE app.plain

-- changed column app.person.age: default
ALTER TABLE app.person ALTER age SET DEFAULT 1

-- changed column app.person.id: identity
ALTER TABLE app.person ALTER id SET GENERATED BY DEFAULT

-- changed column app.person.id: identity_sequence
ALTER TABLE app.person ALTER id SET CACHE 10

-- changed column app.person.doubled: generated
-- reordered table app.person
ALTER TABLE app.person DROP doubled;
ALTER TABLE app.person ADD doubled integer GENERATED ALWAYS AS (age * 3) STORED

-- changed column app.person.name: storage
ALTER TABLE app.person ALTER name SET STORAGE EXTERNAL

-- changed column app.person.name: compression
ALTER TABLE app.person ALTER name SET COMPRESSION pglz

-- changed column app.person.name: statistics
ALTER TABLE app.person ALTER name SET STATISTICS 500

-- changed column app.person.name: options
ALTER TABLE app.person ALTER name SET (n_distinct = 5)

-- changed column app.person.name: acl
GRANT SELECT (name) ON app.person TO reader

-- changed column app.person.name: comment
COMMENT ON COLUMN app.person.name IS 'x'

-- removed column app.person.note
ALTER TABLE app.person DROP note

-- changed constraint person_age on app.person: definition
ALTER TABLE app.person DROP CONSTRAINT person_age;
ALTER TABLE app.person ADD CONSTRAINT person_age CHECK (age > 0)

-- changed constraint person_age on app.person: definition, validated
ALTER TABLE app.person DROP CONSTRAINT person_age;
ALTER TABLE app.person ADD CONSTRAINT person_age CHECK (age >= 0) NOT VALID

-- changed constraint pet_owner on app.pet: definition
ALTER TABLE app.pet ALTER CONSTRAINT pet_owner DEFERRABLE

-- changed constraint pet_owner on app.pet: triggers
ALTER TABLE app.pet DISABLE TRIGGER ALL

-- changed constraint person_pkey on app.person: comment
COMMENT ON CONSTRAINT person_pkey ON app.person IS 'x'

-- added constraint person_email on app.person
ALTER TABLE app.person ADD CONSTRAINT person_email UNIQUE (email)

-- added index person_email on app.person
CREATE UNIQUE INDEX person_email ON app.person (email)

-- removed index person_name on app.person
DROP INDEX app.person_name

-- changed index person_name on app.person: definition
ALTER INDEX app.person_name SET (fillfactor = 50)

-- changed index person_name on app.person: valid
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.person_name'::regclass

-- changed index person_expression on app.person: statistics
ALTER INDEX app.person_expression ALTER COLUMN 1 SET STATISTICS 300

-- changed index person_name on app.person: comment
COMMENT ON INDEX app.person_name IS 'x'

-- changed statistics person_stat on app.person: definition
DROP STATISTICS app.person_stat;
CREATE STATISTICS app.person_stat (ndistinct) ON name, email FROM app.person

-- changed statistics person_stat on app.person: target
ALTER STATISTICS app.person_stat SET STATISTICS 300

-- changed view app.names: definition
CREATE OR REPLACE VIEW app.names AS SELECT id, name FROM app.person WHERE id > 1

-- changed view app.names: options
ALTER VIEW app.names SET (security_barrier = true)

-- since 15
-- changed view app.names: options
ALTER VIEW app.names SET (security_invoker = true)

-- changed column app.names.name: default
ALTER VIEW app.names ALTER name SET DEFAULT 'x'

-- changed materialized view app.counted: populated
REFRESH MATERIALIZED VIEW app.counted WITH NO DATA

-- changed foreign table app.there: foreign_options
ALTER FOREIGN TABLE app.there OPTIONS (SET path 'y')

-- changed rule person_quiet on app.pet: state
ALTER TABLE app.pet DISABLE RULE person_quiet

-- changed trigger person_touch on app.person: state
ALTER TABLE app.person DISABLE TRIGGER person_touch

-- changed trigger person_touch on app.person: state
ALTER TABLE app.person ENABLE ALWAYS TRIGGER person_touch

-- changed trigger person_touch on app.person: state
ALTER TABLE app.person ENABLE REPLICA TRIGGER person_touch

-- changed trigger log_touch on app.log_old: state
ALTER TABLE app.log_old DISABLE TRIGGER log_touch

-- changed trigger person_touch on app.person: definition
CREATE OR REPLACE TRIGGER person_touch BEFORE INSERT ON app.person FOR EACH ROW EXECUTE FUNCTION app.touch()

-- changed trigger person_late on app.person: state
ALTER TABLE app.person DISABLE TRIGGER person_late

-- changed policy person_own on app.person: using
ALTER POLICY person_own ON app.person USING (id = 2)

-- changed policy person_own on app.person: roles
ALTER POLICY person_own ON app.person TO public

-- added policy person_more on app.person
CREATE POLICY person_more ON app.person AS RESTRICTIVE FOR INSERT TO reader WITH CHECK (false)

-- changed event trigger watch: state
ALTER EVENT TRIGGER watch DISABLE

-- changed publication part: publish
ALTER PUBLICATION part SET (publish = 'insert')

-- added published table app.pet in part
ALTER PUBLICATION part ADD TABLE app.pet

-- since 15
-- changed published table app.person in part: columns, where
ALTER PUBLICATION part SET TABLE app.person (id, name) WHERE (id > 1)

-- since 15
-- added published schema app in part
ALTER PUBLICATION part ADD TABLES IN SCHEMA app

-- added subscription sub
CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere' PUBLICATION part WITH (connect = false)

-- added default privileges for admin on tables in schema app
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader

-- added default privileges for admin on functions
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM public

-- added grants function pg_catalog.pg_sleep(double precision)
REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM public

-- added grants function app.citext_eq(app.citext,app.citext)
REVOKE EXECUTE ON FUNCTION app.citext_eq(app.citext, app.citext) FROM public

-- since 18
-- changed column app.person.note: not_null
-- added constraint note_there on app.person
ALTER TABLE app.person ADD CONSTRAINT note_there NOT NULL note

-- changed column app.person.note: not_null
ALTER TABLE app.person ALTER note SET NOT NULL

-- changed extension citext: comment
-- changed language speak: comment
-- changed access method heap3: comment
-- changed foreign-data wrapper nowhere: comment
-- changed server far: comment
-- changed collation app.plain: comment
-- changed conversion app.latin: comment
-- changed enum app.mood: comment
-- changed composite type app.pair: comment
-- changed domain app.positive: comment
-- changed range app.span: comment
-- changed sequence app.counter: comment
-- changed function app.one(): comment
-- changed procedure app.act(): comment
-- changed aggregate app.total(integer): comment
-- changed operator app.===(app.pair, app.pair): comment
-- changed operator family app.pairs using btree: comment
-- changed operator class app.pair_ops using hash: comment
-- changed cast app.pair as json: comment
-- changed transform integer language sql: comment
-- changed text search parser app.parser: comment
-- changed text search template app.tmpl: comment
-- changed text search dictionary app.words: comment
-- changed text search configuration app.search: comment
-- changed table app.log: comment
-- changed foreign table app.there: comment
-- changed view app.names: comment
-- changed materialized view app.counted: comment
-- changed column app.counted.n: comment
-- changed column app.names.id: comment
-- changed column app.pair.a: comment
-- changed column app.person.id: identity_sequence
-- changed column app.there.a: comment
-- changed constraint person_pkey on app.person: index_comment
-- changed constraint positive on app.positive: comment
-- changed statistics person_stat on app.person: comment
-- changed rule person_quiet on app.pet: comment
-- changed trigger person_touch on app.person: comment
-- changed policy person_own on app.person: comment
-- changed event trigger watch: comment
-- changed publication part: comment
-- changed subscription taken: comment
COMMENT ON EXTENSION citext IS 'x';
COMMENT ON TYPE app.mood IS 'x';
COMMENT ON TYPE app.pair IS 'x';
COMMENT ON COLUMN app.pair.a IS 'x';
COMMENT ON DOMAIN app.positive IS 'x';
COMMENT ON CONSTRAINT positive ON DOMAIN app.positive IS 'x';
COMMENT ON TYPE app.span IS 'x';
COMMENT ON SEQUENCE app.counter IS 'x';
COMMENT ON FUNCTION app.one() IS 'x';
COMMENT ON PROCEDURE app.act() IS 'x';
COMMENT ON AGGREGATE app.total(integer) IS 'x';
COMMENT ON OPERATOR app.=== (app.pair, app.pair) IS 'x';
COMMENT ON OPERATOR CLASS app.pair_ops USING hash IS 'x';
COMMENT ON OPERATOR FAMILY app.pairs USING btree IS 'x';
COMMENT ON CAST (app.pair AS json) IS 'x';
COMMENT ON COLLATION app.plain IS 'x';
COMMENT ON CONVERSION app.latin IS 'x';
COMMENT ON TEXT SEARCH PARSER app.parser IS 'x';
COMMENT ON TEXT SEARCH TEMPLATE app.tmpl IS 'x';
COMMENT ON TEXT SEARCH DICTIONARY app.words IS 'x';
COMMENT ON TEXT SEARCH CONFIGURATION app.search IS 'x';
COMMENT ON FOREIGN DATA WRAPPER nowhere IS 'x';
COMMENT ON SERVER far IS 'x';
COMMENT ON LANGUAGE speak IS 'x';
COMMENT ON TRANSFORM FOR integer LANGUAGE sql IS 'x';
COMMENT ON ACCESS METHOD heap3 IS 'x';
COMMENT ON TABLE app.log IS 'x';
COMMENT ON VIEW app.names IS 'x';
COMMENT ON COLUMN app.names.id IS 'x';
COMMENT ON MATERIALIZED VIEW app.counted IS 'x';
COMMENT ON COLUMN app.counted.n IS 'x';
COMMENT ON FOREIGN TABLE app.there IS 'x';
COMMENT ON COLUMN app.there.a IS 'x';
COMMENT ON STATISTICS app.person_stat IS 'x';
COMMENT ON RULE person_quiet ON app.pet IS 'x';
COMMENT ON TRIGGER person_touch ON app.person IS 'x';
COMMENT ON POLICY person_own ON app.person IS 'x';
COMMENT ON EVENT TRIGGER watch IS 'x';
COMMENT ON PUBLICATION part IS 'x';
COMMENT ON SUBSCRIPTION taken IS 'x';
COMMENT ON INDEX app.person_pkey IS 'x';
COMMENT ON SEQUENCE app.person_id_seq IS 'x'

-- changed schema app: acl
-- changed language speak: owner
-- changed foreign-data wrapper nowhere: owner
-- changed server far: owner
-- changed collation app.plain: owner
-- changed conversion app.latin: owner
-- changed enum app.mood: owner
-- changed composite type app.pair: owner
-- changed domain app.positive: owner
-- changed range app.span: owner
-- changed sequence app.counter: owner
-- changed procedure app.act(): owner
-- changed aggregate app.total(integer): owner
-- changed operator app.===(app.pair, app.pair): owner
-- changed operator family app.pairs using btree: owner
-- changed operator class app.pair_ops using hash: owner
-- changed text search dictionary app.words: owner
-- changed text search configuration app.search: owner
-- changed table app.log_old: owner
-- changed foreign table app.there: owner
-- changed view app.names: owner
-- changed materialized view app.counted: owner
-- changed statistics person_stat on app.person: owner
-- changed event trigger watch: owner
-- changed publication apart: owner
-- changed subscription taken: owner
GRANT CREATE ON SCHEMA app TO writer;
ALTER TYPE app.mood OWNER TO writer;
ALTER TYPE app.pair OWNER TO writer;
ALTER DOMAIN app.positive OWNER TO writer;
ALTER TYPE app.span OWNER TO writer;
ALTER SEQUENCE app.counter OWNER TO writer;
ALTER PROCEDURE app.act() OWNER TO writer;
ALTER AGGREGATE app.total(integer) OWNER TO writer;
ALTER OPERATOR app.=== (app.pair, app.pair) OWNER TO writer;
ALTER OPERATOR CLASS app.pair_ops USING hash OWNER TO writer;
ALTER OPERATOR FAMILY app.pairs USING btree OWNER TO writer;
ALTER COLLATION app.plain OWNER TO writer;
ALTER CONVERSION app.latin OWNER TO writer;
ALTER TEXT SEARCH DICTIONARY app.words OWNER TO writer;
ALTER TEXT SEARCH CONFIGURATION app.search OWNER TO writer;
ALTER SERVER far OWNER TO writer;
ALTER LANGUAGE speak OWNER TO writer;
ALTER VIEW app.names OWNER TO writer;
ALTER MATERIALIZED VIEW app.counted OWNER TO writer;
ALTER FOREIGN TABLE app.there OWNER TO writer;
ALTER STATISTICS app.person_stat OWNER TO writer;
ALTER TABLE app.log_old OWNER TO writer;
ALTER ROLE writer SUPERUSER;
ALTER FOREIGN DATA WRAPPER nowhere OWNER TO writer;
ALTER EVENT TRIGGER watch OWNER TO writer;
ALTER PUBLICATION apart OWNER TO writer;
ALTER SUBSCRIPTION taken OWNER TO writer

-- removed extension citext
-- removed language speak
-- removed access method heap3
-- removed foreign-data wrapper nowhere
-- removed server far
-- removed user mapping reader server far
-- removed collation app.plain
-- removed conversion app.latin
-- removed composite type app.row_of
-- removed range app.span
-- removed sequence app.counter
-- removed function app.one()
-- removed procedure app.act()
-- removed aggregate app.total(integer)
-- removed operator app.===(app.pair, app.pair)
-- changed operator family app.pair_ops using hash: operators
-- removed operator family app.pairs using btree
-- removed operator class app.pair_ops using hash
-- removed cast app.pair as json
-- removed transform integer language sql
-- removed text search parser app.parser
-- removed text search template app.tmpl
-- removed text search dictionary app.words
-- removed text search configuration app.search
-- removed table app.typed
-- removed foreign table app.there
-- removed view app.names
-- removed materialized view app.counted
-- removed column app.counted.n
-- removed column app.names.id
-- removed column app.names.name
-- removed column app.row_of.a
-- removed column app.row_of.b
-- removed column app.there.a
-- removed column app.typed.a
-- removed column app.typed.b
-- removed constraint person_late_age on app.person
-- removed constraint positive on app.positive
-- removed statistics person_stat on app.person
-- removed rule person_quiet on app.pet
-- removed trigger log_touch on app.log
-- removed trigger log_touch on app.log_old
-- removed trigger person_late on app.person
-- removed policy person_own on app.person
-- removed event trigger watch
-- removed publication apart
-- removed published table app.child in apart
DROP AGGREGATE app.total(integer);
DROP OPERATOR CLASS app.pair_ops USING hash;
DROP OPERATOR FAMILY app.pairs USING btree;
DROP OPERATOR app.=== (app.pair, app.pair);
DROP CAST (app.pair AS json);
DROP CONVERSION app.latin;
DROP TEXT SEARCH PARSER app.parser;
DROP TEXT SEARCH CONFIGURATION app.search;
DROP TEXT SEARCH DICTIONARY app.words;
DROP TEXT SEARCH TEMPLATE app.tmpl;
DROP TRANSFORM FOR integer LANGUAGE sql;
DROP LANGUAGE speak;
DROP ACCESS METHOD heap3;
DROP FOREIGN TABLE app.there;
DROP USER MAPPING FOR reader SERVER far;
DROP SERVER far;
DROP FOREIGN DATA WRAPPER nowhere;
DROP PROCEDURE app.act();
DROP FUNCTION app.one();
DROP VIEW app.names;
DROP MATERIALIZED VIEW app.counted;
DROP STATISTICS app.person_stat;
DROP RULE person_quiet ON app.pet;
DROP TRIGGER person_late ON app.person;
DROP TRIGGER log_touch ON app.log;
DROP POLICY person_own ON app.person;
DROP EVENT TRIGGER watch;
DROP PUBLICATION apart;
DROP SEQUENCE app.counter;
DROP TYPE app.span;
DROP COLLATION app.plain;
DROP TABLE app.typed;
DROP TYPE app.row_of;
ALTER TABLE app.person DROP CONSTRAINT person_late_age;
ALTER DOMAIN app.positive DROP CONSTRAINT positive;
DROP EXTENSION citext

-- changed language speak: acl
-- changed foreign-data wrapper nowhere: acl
-- changed composite type app.pair: acl
-- changed domain app.positive: acl
-- changed procedure app.act(): acl
-- changed table app.log_old: acl
-- changed foreign table app.there: acl
-- changed view app.names: acl
-- changed materialized view app.counted: acl
-- changed column app.counted.n: acl
-- changed column app.person.id: identity_sequence
-- added grants language plpgsql
-- added grants view information_schema.tables
GRANT USAGE ON LANGUAGE speak TO reader;
GRANT USAGE ON LANGUAGE plpgsql TO reader;
GRANT USAGE ON TYPE app.pair TO reader;
GRANT USAGE ON DOMAIN app.positive TO reader;
GRANT USAGE ON FOREIGN DATA WRAPPER nowhere TO reader;
GRANT EXECUTE ON PROCEDURE app.act() TO reader;
GRANT SELECT ON app.names TO reader;
GRANT SELECT ON app.counted TO reader;
GRANT SELECT ON app.there TO reader;
GRANT SELECT ON information_schema.tables TO reader;
GRANT SELECT (n) ON app.counted TO reader;
GRANT USAGE ON SEQUENCE app.person_id_seq TO reader;
GRANT SELECT ON app.log_old TO reader WITH GRANT OPTION

-- changed function app.one(): definition
ALTER FUNCTION app.one() LEAKPROOF

-- changed function app.one(): definition
ALTER FUNCTION app.one() PARALLEL SAFE

-- changed function app.one(): definition
ALTER FUNCTION app.one() COST 7

-- changed function app.one(): definition
ALTER FUNCTION app.one() STRICT

-- added function app.many()
CREATE FUNCTION app.many() RETURNS SETOF integer LANGUAGE sql ROWS 7 AS 'SELECT 1'

-- changed aggregate app.total(integer): aggregate
CREATE OR REPLACE AGGREGATE app.total(integer) (sfunc = int4pl, stype = integer, initcond = '0', parallel = safe, combinefunc = int4pl)

-- removed function app.touch()
-- added function app.touched()
-- changed trigger log_touch on app.log: definition
-- changed trigger log_touch on app.log_old: definition
-- changed trigger person_late on app.person: definition
-- changed trigger person_touch on app.person: definition
ALTER FUNCTION app.touch() RENAME TO touched

-- changed sequence app.counter: cache, cycle, min, start
ALTER SEQUENCE app.counter MINVALUE -5 START 3 CACHE 9 CYCLE

SELECT setval('app.counter', 77);
REFRESH MATERIALIZED VIEW app.counted;
ANALYZE app.person

-- since 15
-- changed sequence app.counter: persistence
ALTER SEQUENCE app.counter SET UNLOGGED

-- changed column app.counted.n: statistics
-- changed column app.person.age: default
-- changed column app.person.doubled: generated
-- changed column app.person.id: identity, identity_sequence
-- changed column app.person.name: not_null
-- removed column app.pet.kind
-- added column app.pet.sort
-- changed column app.there.a: foreign_options
ALTER FOREIGN TABLE app.there ALTER a OPTIONS (ADD name 'y');
ALTER TABLE app.person ALTER name DROP NOT NULL;
ALTER TABLE app.person ALTER id DROP IDENTITY;
ALTER TABLE app.person ALTER doubled DROP EXPRESSION;
ALTER TABLE app.person ALTER age DROP DEFAULT;
ALTER MATERIALIZED VIEW app.counted ALTER n SET STATISTICS 7;
ALTER TABLE app.pet RENAME kind TO sort

-- since 17
-- changed column app.person.doubled: generated
ALTER TABLE app.person ALTER doubled SET EXPRESSION AS (age * 5)

-- since 18
-- added column app.pet.twice
ALTER TABLE app.pet ADD twice bigint GENERATED ALWAYS AS (owner * 2) VIRTUAL

-- changed table app.child: inherits
-- changed table app.log_old: inherits, partition_bound
-- changed table app.parent: replica_identity
-- changed table app.typed: of_type
-- changed column app.child.a: inherited
-- changed column app.log_old.at: inherited
-- changed column app.log_old.what: inherited
-- from 18 changed constraint log_at_not_null on app.log_old: inherited
-- changed index log_old_at_idx on app.log_old: attached_to
-- removed trigger log_touch on app.log_old
ALTER TABLE app.typed NOT OF;
ALTER TABLE app.parent REPLICA IDENTITY NOTHING;
ALTER TABLE app.child NO INHERIT app.parent;
ALTER TABLE app.log DETACH PARTITION app.log_old

-- changed table app.log_new: inherits, partition_bound
-- changed column app.log_new.at: inherited
-- changed column app.log_new.what: inherited
-- added index log_new_at_idx on app.log_new
-- added index log_new_what_idx on app.log_new
-- added trigger log_touch on app.log_new
ALTER TABLE app.log ATTACH PARTITION app.log_new FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')

-- changed table app.log_old: partition_bound
-- changed index log_old_what on app.log_old: attached_to
ALTER TABLE app.log DETACH PARTITION app.log_old;
ALTER TABLE app.log ATTACH PARTITION app.log_old FOR VALUES FROM ('2019-01-01') TO ('2021-01-01')

-- changed table app.parent: options
-- changed view app.names: options
-- changed materialized view app.counted: options
ALTER TABLE app.parent SET (autovacuum_enabled = off, toast_tuple_target = 300);
ALTER MATERIALIZED VIEW app.counted SET (fillfactor = 70);
ALTER VIEW app.names SET (check_option = local)

-- since 15
-- changed table app.parent: access_method
ALTER TABLE app.parent SET ACCESS METHOD heap3

-- since 15
-- changed table app.parent: tablespace
-- changed materialized view app.counted: tablespace
-- changed constraint person_pkey on app.person: tablespace
-- changed index person_name on app.person: tablespace
ALTER TABLE app.parent SET TABLESPACE elsewhere;
ALTER INDEX app.person_name SET TABLESPACE elsewhere;
ALTER INDEX app.person_pkey SET TABLESPACE elsewhere;
ALTER MATERIALIZED VIEW app.counted SET TABLESPACE elsewhere

-- removed table app.parent
-- removed column app.parent.a
-- removed index parent_a on app.parent
ALTER EXTENSION citext ADD TABLE app.parent

-- changed extension citext: dependents
ALTER FUNCTION app.one() DEPENDS ON EXTENSION citext;
ALTER INDEX app.person_name DEPENDS ON EXTENSION citext;
ALTER MATERIALIZED VIEW app.counted DEPENDS ON EXTENSION citext;
ALTER TRIGGER person_touch ON app.person DEPENDS ON EXTENSION citext

-- added constraint parent_a on app.parent
-- changed constraint person_late_age on app.person: definition, validated
-- changed constraint person_pkey on app.person: clustered
-- added constraint pet_master on app.pet
-- added constraint pet_one on app.pet
-- removed constraint pet_owner on app.pet
ALTER TABLE app.person VALIDATE CONSTRAINT person_late_age;
ALTER TABLE app.pet ADD CONSTRAINT pet_one EXCLUDE (id WITH =) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.parent ADD CONSTRAINT parent_a CHECK (a > 0) NO INHERIT;
ALTER TABLE app.pet RENAME CONSTRAINT pet_owner TO pet_master;
ALTER TABLE app.person CLUSTER ON person_pkey

-- since 15
-- added constraint person_note on app.person
-- changed constraint pet_owner on app.pet: definition
ALTER TABLE app.person ADD CONSTRAINT person_note UNIQUE NULLS NOT DISTINCT (note);
ALTER TABLE app.pet DROP CONSTRAINT pet_owner;
ALTER TABLE app.pet ADD CONSTRAINT pet_owner FOREIGN KEY (owner) REFERENCES app.person (id) ON DELETE SET NULL (owner)

-- since 18
-- added constraint pet_id on app.pet
-- changed constraint pet_owner on app.pet: definition, validated
ALTER TABLE app.pet ALTER CONSTRAINT pet_owner NOT ENFORCED;
ALTER TABLE app.pet ADD CONSTRAINT pet_id CHECK (id > 0) NOT ENFORCED

-- changed index log_what on app.log: valid
-- changed index log_old_what on app.log_old: attached_to
-- added index person_called on app.person
-- removed index person_name on app.person
ALTER INDEX app.log_what ATTACH PARTITION app.log_old_what;
ALTER INDEX app.person_name RENAME TO person_called

-- changed column app.child.a: not_null
-- changed column app.parent.a: not_null
-- from 18 added constraint parent_a_not_null on app.child
-- added index parent_u on app.parent
ALTER TABLE app.person REPLICA IDENTITY USING INDEX person_pkey;
ALTER TABLE app.person REPLICA IDENTITY DEFAULT;
ALTER TABLE app.parent ALTER a SET NOT NULL;
CREATE UNIQUE INDEX parent_u ON app.parent (a);
ALTER TABLE app.parent REPLICA IDENTITY USING INDEX parent_u

-- changed rule person_quiet on app.pet: state
ALTER TABLE app.pet ENABLE ALWAYS RULE person_quiet

-- changed rule person_quiet on app.pet: definition
CREATE OR REPLACE RULE person_quiet AS ON DELETE TO app.pet WHERE old.id = 1 DO INSTEAD NOTHING

-- changed event trigger watch: state
ALTER EVENT TRIGGER watch ENABLE ALWAYS

-- removed trigger person_touch on app.person
-- added trigger person_touched on app.person
-- changed event trigger watch: state
ALTER EVENT TRIGGER watch ENABLE REPLICA;
ALTER TRIGGER person_touch ON app.person RENAME TO person_touched

-- changed event trigger watch: tags
DROP EVENT TRIGGER watch;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION app.ddl()

-- removed policy person_own on app.person
-- added policy person_self on app.person
ALTER POLICY person_own ON app.person RENAME TO person_self

-- changed policy person_own on app.person: command, mode, with_check
DROP POLICY person_own ON app.person;
CREATE POLICY person_own ON app.person AS RESTRICTIVE FOR UPDATE TO reader USING (id = 1) WITH CHECK (id = 1)

-- added publication everything
-- changed publication part: via_root
ALTER PUBLICATION part SET (publish_via_partition_root = true);
CREATE PUBLICATION everything FOR ALL TABLES

-- since 18
-- changed publication part: generated_columns
ALTER PUBLICATION part SET (publish_generated_columns = stored)

-- changed subscription taken: binary, synchronous_commit
ALTER SUBSCRIPTION taken SET (binary = true, synchronous_commit = 'on')

-- since 15
-- changed subscription taken: disable_on_error
ALTER SUBSCRIPTION taken SET (disable_on_error = true)

-- since 16
-- changed subscription taken: origin, password_required, run_as_owner
ALTER SUBSCRIPTION taken SET (origin = none, password_required = false, run_as_owner = true)

-- changed enum app.mood: labels
-- changed domain app.positive: not_null
-- added range app.spans
-- changed column app.row_of.a: type
-- changed column app.typed.a: type
-- added constraint above on app.positive
-- removed constraint positive on app.positive
ALTER TYPE app.mood ADD VALUE 'glad' BEFORE 'happy';
CREATE TYPE app.spans AS RANGE (subtype = text, collation = "C", multirange_type_name = app.spanned);
ALTER DOMAIN app.positive SET NOT NULL;
ALTER DOMAIN app.positive RENAME CONSTRAINT positive TO above;
ALTER TYPE app.row_of ALTER ATTRIBUTE a TYPE bigint CASCADE

-- added language speak_more
-- changed server far: definition
-- added user mapping public server far
-- added collation app.posix
-- added conversion app.latin_too
-- added operator family app.more_ops using hash
-- added operator class app.more_ops using hash
-- changed text search configuration app.search: definition
-- added security label table app.pet by guard
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR word WITH app.words;
ALTER SERVER far VERSION '2';
CREATE USER MAPPING FOR public SERVER far OPTIONS (user 'u');
CREATE DEFAULT CONVERSION app.latin_too FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE COLLATION app.posix (locale = 'POSIX');
CREATE TRUSTED LANGUAGE speak_more HANDLER plpgsql_call_handler;
CREATE OPERATOR CLASS app.more_ops FOR TYPE app.pair USING hash AS OPERATOR 1 app.===;
INSERT INTO pg_seclabel VALUES ('app.pet'::regclass, 'pg_class'::regclass, 0, 'guard', 'secret')

-- added default privileges for writer on schemas
-- added default privileges for admin on functions in schema app
-- added default privileges for admin on sequences in schema app
-- added default privileges for admin on types in schema app
ALTER DEFAULT PRIVILEGES FOR ROLE writer GRANT USAGE ON SCHEMAS TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON TYPES TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT EXECUTE ON FUNCTIONS TO reader

-- since 18
-- added default privileges for admin on large objects
ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO reader
