SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA evmig;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE evmig.meta (
    singleton boolean DEFAULT true NOT NULL,
    format integer NOT NULL,
    refinery_table text NOT NULL,
    last_run_hash text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT meta_singleton_check CHECK (singleton)
);
COMMENT ON TABLE evmig.meta IS 'evmig: version of this schema''s format, where refinery''s table is, the newest run''s hash';
CREATE TABLE evmig.migration (
    seq bigint NOT NULL,
    key text NOT NULL,
    version bigint,
    name text NOT NULL,
    phase_number integer NOT NULL,
    phase text NOT NULL,
    step text NOT NULL,
    run_id text NOT NULL,
    action text NOT NULL,
    at timestamp with time zone NOT NULL,
    duration_ms double precision,
    statements integer NOT NULL,
    sha256 text NOT NULL,
    refinery_checksum text,
    journal_seq bigint,
    reason text,
    up_sql text,
    down_sql text,
    row_hash text NOT NULL
);
ALTER TABLE ONLY evmig.migration ALTER COLUMN up_sql SET STORAGE EXTERNAL;
ALTER TABLE ONLY evmig.migration ALTER COLUMN down_sql SET STORAGE EXTERNAL;
COMMENT ON TABLE evmig.migration IS 'evmig: what happened to each migration, with its script and rollback script as they were';
CREATE SEQUENCE evmig.migration_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE evmig.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE evmig.run (
    seq bigint NOT NULL,
    id text NOT NULL,
    command text NOT NULL,
    phases text[] NOT NULL,
    started_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    client_version text NOT NULL,
    git_commit text,
    migration_hash text,
    row_hash text NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    error text,
    end_migration_hash text,
    end_statement_hash text,
    end_hash text,
    CONSTRAINT run_outcome_check CHECK ((outcome = ANY (ARRAY['applied'::text, 'nothing_to_do'::text, 'failed'::text, 'interrupted'::text, 'unknown'::text])))
);
COMMENT ON TABLE evmig.run IS 'evmig: one row for each invocation that could change the database';
CREATE SEQUENCE evmig.run_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE evmig.statement (
    seq bigint NOT NULL,
    key text NOT NULL,
    run_id text NOT NULL,
    "position" integer NOT NULL,
    state text NOT NULL,
    sha256 text NOT NULL,
    at timestamp with time zone NOT NULL,
    note text,
    row_hash text NOT NULL,
    CONSTRAINT statement_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'done'::text, 'failed'::text])))
);
COMMENT ON TABLE evmig.statement IS 'evmig: journal of migrations that cannot run in one transaction: intent before, result after';
CREATE SEQUENCE evmig.statement_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.people (
    id integer,
    age integer
);
CREATE TABLE public.pets (
    id integer
);
INSERT INTO evmig.meta VALUES (true, 1, '"evmig".refinery_schema_history', '37d8ff1c7a73c6fba28b975568f6abe398345f1c5ce2f4fdbddc5f2a4ef1a6e2', '2026-11-26 12:10:42.183887+00');
INSERT INTO evmig.migration VALUES (1, '1', 1, 'people', 1, 'core', 'tables', '6w3477mghv', 'apply', '2026-11-26 12:10:42.188546+00', 0.713, 1, '9e49d145df07968c58fa6c4fa56b8d6eb3200e26c739f73b0bd9a9a66aefe864', '3173818907342225527', NULL, NULL, 'create table people (id int, age int);
', NULL, '6b89e1a6b74da43cd3e94b7ac1deaa63fe626761f8e12f59b0b3916d3d03fa75');
INSERT INTO evmig.migration VALUES (2, '2', 2, 'pets', 1, 'core', 'tables', '6w3477mghv', 'apply', '2026-11-26 12:10:42.18947+00', 0.522, 1, '2da52d13296e7c2229a8f53b87904c432358f44b517733e199f70ddcaa150025', '8156631551503235975', NULL, NULL, 'create table pets (id int);
', NULL, '4cd1a0db5f5b19f9dff334fbff0f08a24b503d10abce9399a25b6b4e479aaa4a');
INSERT INTO evmig.migration VALUES (3, '3', 3, 'index', 1, 'core', 'tables', '00p1kyw5e6', 'apply', '2026-11-26 12:10:42.380444+00', 23.996, 2, '13247c22699667ceaa4ac24debeaa461e4175c41896286cf2f9714377f9666a8', '12539023323841671054', 6, NULL, 'create index concurrently people_id on people (id);
create index concurrently people_age on people (age);
', NULL, '004279a6439da507874aeddf64b996cf3027f58b2757b874fe93fab062040af4');
INSERT INTO evmig.refinery_schema_history VALUES (1, 'people', '2026-11-26T12:10:42.188546Z', '3173818907342225527');
INSERT INTO evmig.refinery_schema_history VALUES (2, 'pets', '2026-11-26T12:10:42.189470Z', '8156631551503235975');
INSERT INTO evmig.refinery_schema_history VALUES (3, 'index', '2026-11-26T12:10:42.380444Z', '12539023323841671054');
INSERT INTO evmig.run VALUES (1, '6w3477mghv', 'apply', '{core}', '2026-11-26 12:10:42.18563+00', 'postgres', '0.1.0', NULL, NULL, 'a7f28965ae8beb3046639c02c795e66ca818d8faa7c5ca0344ff5bf246c08514', '2026-11-26 12:10:42.19555+00', 'applied', NULL, '4cd1a0db5f5b19f9dff334fbff0f08a24b503d10abce9399a25b6b4e479aaa4a', NULL, '3fac8b4e8b225c2e776079905fa0182ab855c7fd2e7ee4f13897a48ec1527db6');
INSERT INTO evmig.run VALUES (2, '18wpcegd2t', 'apply', '{core}', '2026-11-26 12:10:42.252002+00', 'postgres', '0.1.0', NULL, '4cd1a0db5f5b19f9dff334fbff0f08a24b503d10abce9399a25b6b4e479aaa4a', '44ce51a07b3a8c2ee475dc29c8827da9150b0d4b37033f8f7827e2a578027200', '2026-11-26 12:10:42.307445+00', 'failed', 'V3__index failed at statement 2 of 2: column "years" does not exist', '4cd1a0db5f5b19f9dff334fbff0f08a24b503d10abce9399a25b6b4e479aaa4a', '3cc7cfa75eeef15291e20d2e53c4f970467196f08fbd7fe5a4446f95c4666640', '547b20db5630bb4e11c23722c427b434ab8cce56616f42ea70445a9e5fe069f6');
INSERT INTO evmig.run VALUES (3, '00p1kyw5e6', 'apply', '{core}', '2026-11-26 12:10:42.349364+00', 'postgres', '0.1.0', NULL, '4cd1a0db5f5b19f9dff334fbff0f08a24b503d10abce9399a25b6b4e479aaa4a', '37d8ff1c7a73c6fba28b975568f6abe398345f1c5ce2f4fdbddc5f2a4ef1a6e2', '2026-11-26 12:10:42.38322+00', 'applied', NULL, '004279a6439da507874aeddf64b996cf3027f58b2757b874fe93fab062040af4', 'a1305d4ea0cd3a94f7a40acfd68cd33817f356bf28af25d092aa501f16f14a9e', '1806908de6f6d000ca736f4c56fc43bfa0601d59714daa5d52a21362574adf80');
INSERT INTO evmig.statement VALUES (1, '3', '18wpcegd2t', 0, 'intent', '3f405bf6116f0bf0bae27d5f7409675ef065b48828af2d8e0ad584371cd9bbdc', '2026-11-26 12:10:42.272357+00', '{"table":16432,"indexes":[],"objects":[],"invalid":[],"schema":0,"database":false}', 'cedc9530a10c9ba429a3a9d0287f98028dae2464a4ff13342e89bda379320e4b');
INSERT INTO evmig.statement VALUES (2, '3', '18wpcegd2t', 0, 'done', '3f405bf6116f0bf0bae27d5f7409675ef065b48828af2d8e0ad584371cd9bbdc', '2026-11-26 12:10:42.276925+00', NULL, '467d6de72c366ec9e9cb5c1d35d6c5e0bf167acf7776b603f14c4cbfd091b0b2');
INSERT INTO evmig.statement VALUES (3, '3', '18wpcegd2t', 1, 'intent', 'c09e2a0aa12e85aa03c8de3e1151f27d1c0bbf7df66bd4ffd23e975ae4e9bf13', '2026-11-26 12:10:42.295198+00', '{"table":16432,"indexes":[16438],"objects":[],"invalid":[],"schema":0,"database":false}', '4bb01c3d1efe546a3e6bbe07a3147b08e9d3689579348e5d8a0f11283c4722e4');
INSERT INTO evmig.statement VALUES (4, '3', '18wpcegd2t', 1, 'failed', 'c09e2a0aa12e85aa03c8de3e1151f27d1c0bbf7df66bd4ffd23e975ae4e9bf13', '2026-11-26 12:10:42.29849+00', 'column "years" does not exist', '3cc7cfa75eeef15291e20d2e53c4f970467196f08fbd7fe5a4446f95c4666640');
INSERT INTO evmig.statement VALUES (5, '3', '00p1kyw5e6', 1, 'intent', '40d2ca0f9b22961ed937173a3143258c7d3e905122b07e1c169c395f5faa207f', '2026-11-26 12:10:42.371409+00', '{"table":16432,"indexes":[16438],"objects":[],"invalid":[],"schema":0,"database":false}', '9e332737e37e10088b27753a9cad0937b5ed99b23811d04686d9f8c3dd421332');
INSERT INTO evmig.statement VALUES (6, '3', '00p1kyw5e6', 1, 'done', '40d2ca0f9b22961ed937173a3143258c7d3e905122b07e1c169c395f5faa207f', '2026-11-26 12:10:42.377038+00', NULL, 'a1305d4ea0cd3a94f7a40acfd68cd33817f356bf28af25d092aa501f16f14a9e');
SELECT pg_catalog.setval('evmig.migration_seq', 3, true);
SELECT pg_catalog.setval('evmig.run_seq', 3, true);
SELECT pg_catalog.setval('evmig.statement_seq', 6, true);
ALTER TABLE ONLY evmig.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (singleton);
ALTER TABLE ONLY evmig.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY evmig.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);
ALTER TABLE ONLY evmig.run
    ADD CONSTRAINT run_id_key UNIQUE (id);
ALTER TABLE ONLY evmig.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY evmig.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (seq);
CREATE INDEX migration_key ON evmig.migration USING btree (key, seq);
CREATE INDEX statement_key ON evmig.statement USING btree (key, seq);
CREATE INDEX people_age ON public.people USING btree (age);
CREATE INDEX people_id ON public.people USING btree (id);
