-- Things that a database may have one of and no other: a line `-- kind`, and the SQL that makes it.
-- schema
CREATE SCHEMA one
-- table
CREATE TABLE one (a int)
-- column
CREATE TABLE one (a int)
-- index
CREATE TABLE one (a int); CREATE INDEX ON one (a)
-- constraint
CREATE TABLE one (a int CHECK (a > 0))
-- trigger
CREATE TABLE one (a int); CREATE TRIGGER t BEFORE UPDATE ON one FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
-- rule
CREATE TABLE one (a int); CREATE RULE r AS ON DELETE TO one DO INSTEAD NOTHING
-- policy
CREATE TABLE one (a int); CREATE POLICY p ON one
-- statistics
CREATE TABLE one (a int, b int); CREATE STATISTICS s ON a, b FROM one
-- view
CREATE VIEW one AS SELECT 1 AS a
-- sequence
CREATE SEQUENCE one
-- enum
CREATE TYPE one AS ENUM ()
-- domain
CREATE DOMAIN one AS int
-- composite type
CREATE TYPE one AS (a int)
-- range
CREATE TYPE one AS RANGE (SUBTYPE = int)
-- function
CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1
-- aggregate
CREATE AGGREGATE one(int) (SFUNC = int4pl, STYPE = int)
-- event trigger
CREATE FUNCTION one() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end'; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION one()
-- default privileges
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
-- cast
CREATE CAST (jsonb AS bytea) WITH INOUT
-- operator
CREATE OPERATOR === (PROCEDURE = int4eq, LEFTARG = int, RIGHTARG = int)
-- operator family
CREATE OPERATOR FAMILY one USING btree
-- operator class
CREATE OPERATOR CLASS one FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)
-- collation
CREATE COLLATION one FROM "C"
-- conversion
CREATE CONVERSION one FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1
-- language
CREATE LANGUAGE one HANDLER plpgsql_call_handler
-- transform
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))
-- access method
CREATE ACCESS METHOD one TYPE INDEX HANDLER bthandler
-- text search parser
CREATE TEXT SEARCH PARSER one (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)
-- text search template
CREATE TEXT SEARCH TEMPLATE one (LEXIZE = dsimple_lexize)
-- text search dictionary
CREATE TEXT SEARCH DICTIONARY one (TEMPLATE = simple)
-- text search configuration
CREATE TEXT SEARCH CONFIGURATION one (PARSER = "default")
-- foreign-data wrapper
CREATE FOREIGN DATA WRAPPER one
-- publication
CREATE PUBLICATION one
-- subscription
CREATE SUBSCRIPTION one CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = none)
