CREATE ROLE reader;
CREATE ROLE writer;
CREATE SCHEMA app;
CREATE EXTENSION citext WITH SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE TYPE app.pair AS (a integer, b text);
CREATE DOMAIN app.positive AS integer DEFAULT 1 CONSTRAINT positive CHECK (VALUE > 0);
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE SEQUENCE app.counter;
CREATE FUNCTION app.one() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION app.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION app.same(a app.pair, b app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE PROCEDURE app.act() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE app.total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
CREATE OPERATOR app.=== (leftarg = app.pair, rightarg = app.pair, function = app.same);
CREATE OPERATOR FAMILY app.pairs USING btree;
CREATE COLLATION app.plain (locale = 'C');
CREATE TEXT SEARCH DICTIONARY app.words (template = simple);
CREATE TEXT SEARCH CONFIGURATION app.search (copy = simple);
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere OPTIONS (host 'a');
CREATE USER MAPPING FOR reader SERVER far OPTIONS (password 'one');
CREATE TABLE app.person (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    email text,
    age integer DEFAULT 0,
    doubled integer GENERATED ALWAYS AS (age * 2) STORED,
    note text,
    CONSTRAINT person_pkey PRIMARY KEY (id),
    CONSTRAINT person_age CHECK (age >= 0)
);
CREATE TABLE app.pet (
    id bigint,
    owner bigint CONSTRAINT pet_owner REFERENCES app.person (id),
    kind app.mood
);
CREATE TABLE app.log (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE app.log_old PARTITION OF app.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE app.log_new (at timestamptz NOT NULL, what text);
CREATE TABLE app.parent (a integer);
CREATE TABLE app.child () INHERITS (app.parent);
CREATE INDEX person_name ON app.person (name);
CREATE INDEX person_expression ON app.person (lower(name), age);
CREATE INDEX log_at ON app.log (at);
CREATE STATISTICS app.person_stat ON name, email FROM app.person;
CREATE VIEW app.names AS SELECT id, name FROM app.person;
CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) AS n FROM app.person;
CREATE FOREIGN TABLE app.there (a integer) SERVER far OPTIONS (path 'x');
CREATE RULE person_quiet AS ON DELETE TO app.pet DO INSTEAD NOTHING;
CREATE TRIGGER person_touch BEFORE UPDATE ON app.person FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER log_touch BEFORE INSERT ON app.log FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER person_late AFTER INSERT ON app.person DEFERRABLE FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE POLICY person_own ON app.person FOR SELECT TO reader USING (id = 1);
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION app.ddl();
CREATE PUBLICATION part FOR TABLE app.person;
CREATE TYPE app.row_of AS (a integer, b text);
CREATE TABLE app.typed OF app.row_of;
CREATE OPERATOR CLASS app.pair_ops FOR TYPE app.pair USING hash AS OPERATOR 1 app.===;
CREATE CAST (app.pair AS json) WITH INOUT;
CREATE CONVERSION app.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH TEMPLATE app.tmpl (lexize = dsimple_lexize);
CREATE TEXT SEARCH PARSER app.parser (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
CREATE TRUSTED LANGUAGE speak HANDLER plpgsql_call_handler;
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE ACCESS METHOD heap3 TYPE TABLE HANDLER heap_tableam_handler;
CREATE SUBSCRIPTION taken CONNECTION 'host=nowhere' PUBLICATION part WITH (connect = false);
ALTER TABLE app.person ADD CONSTRAINT person_late_age CHECK (age < 200) NOT VALID;
CREATE PUBLICATION apart FOR TABLE app.child;
CREATE INDEX parent_a ON app.parent (a);
CREATE INDEX child_a ON app.child (a);
CREATE INDEX log_what ON ONLY app.log (what);
CREATE INDEX log_old_what ON app.log_old (what);
