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
