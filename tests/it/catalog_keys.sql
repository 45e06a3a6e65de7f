-- Indexes and keys with all that can be special about one, and names that must be quoted: some are put together by
-- evmig's query, and must read as if the server had done it.
CREATE SCHEMA "My app";
CREATE TABLE "My app"."Order" (
    id bigint PRIMARY KEY,
    "select" text UNIQUE,
    name varchar(40),
    code char(4),
    mood app.mood,
    tags text[],
    amount numeric(10, 2),
    positive app.positive,
    address inet,
    spot point,
    during int4range,
    sorted text COLLATE "C",
    insensitive app.citext,
    at timestamptz,
    CONSTRAINT "Unique" UNIQUE (name, code),
    CONSTRAINT late UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT wide UNIQUE (at) INCLUDE (name),
    CONSTRAINT loose UNIQUE (address) WITH (fillfactor = 50),
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE "My app".line (
    id bigint CONSTRAINT "from" REFERENCES "My app"."Order" ON UPDATE CASCADE ON DELETE SET NULL,
    other bigint CONSTRAINT full_match REFERENCES "My app"."Order" MATCH FULL ON DELETE RESTRICT,
    third bigint CONSTRAINT later REFERENCES "My app"."Order" DEFERRABLE,
    fourth bigint DEFAULT 1 CONSTRAINT fallback REFERENCES "My app"."Order" ON UPDATE SET DEFAULT ON DELETE SET DEFAULT,
    fifth text CONSTRAINT word REFERENCES "My app"."Order" ("select") ON UPDATE RESTRICT ON DELETE CASCADE,
    name varchar,
    code char(4),
    gone integer,
    "At" integer,
    CONSTRAINT pair FOREIGN KEY (name, code) REFERENCES "My app"."Order" (name, code) ON UPDATE SET NULL
);
ALTER TABLE "My app".line DROP COLUMN gone;
ALTER TABLE "My app".line ADD CONSTRAINT unsure FOREIGN KEY ("At") REFERENCES "My app"."Order" NOT VALID;
CREATE TABLE "My app".part (a integer, b text, PRIMARY KEY (a)) PARTITION BY RANGE (a);
CREATE TABLE "My app".part_1 PARTITION OF "My app".part FOR VALUES FROM (1) TO (2);
CREATE INDEX "Part b" ON "My app".part (b);
CREATE INDEX only_b ON ONLY "My app".part (b DESC);
CREATE INDEX plain ON "My app"."Order" (name);
CREATE INDEX "Quoted" ON "My app"."Order" ("select");
CREATE UNIQUE INDEX several ON "My app"."Order" (id, name DESC, "select" NULLS FIRST, at DESC NULLS LAST);
CREATE INDEX hashed ON "My app"."Order" USING hash (name);
CREATE INDEX padded ON "My app"."Order" (code);
CREATE INDEX as_padded ON "My app"."Order" (name bpchar_ops);
CREATE INDEX as_pattern ON "My app"."Order" (name varchar_pattern_ops, "select" text_pattern_ops);
CREATE INDEX moods ON "My app"."Order" (mood);
CREATE INDEX tagged ON "My app"."Order" USING gin (tags);
CREATE INDEX tags_sorted ON "My app"."Order" (tags);
CREATE INDEX domains ON "My app"."Order" (positive);
CREATE INDEX addresses ON "My app"."Order" USING gist (address inet_ops);
CREATE INDEX spots ON "My app"."Order" USING gist (spot);
CREATE INDEX pages ON "My app"."Order" USING brin (at) WITH (pages_per_range = 16);
CREATE INDEX as_c ON "My app"."Order" (name COLLATE "C");
CREATE INDEX as_column ON "My app"."Order" (sorted);
CREATE INDEX as_default ON "My app"."Order" (sorted COLLATE "default");
CREATE INDEX extended ON "My app"."Order" (insensitive);
CREATE INDEX filled ON "My app"."Order" (at) WITH (fillfactor = 70);
CREATE INDEX included ON "My app"."Order" (at) INCLUDE (name, code);
CREATE INDEX partial ON "My app"."Order" (at) WHERE id > 1;
CREATE INDEX expressed ON "My app"."Order" (lower(name), id);
CREATE INDEX mixed ON "My app"."Order" (id, name text_pattern_ops DESC);
CREATE MATERIALIZED VIEW "My app".counted AS SELECT count(*) AS n FROM "My app".line;
CREATE UNIQUE INDEX ON "My app".counted (n);

-- since 15
CREATE UNIQUE INDEX one_null ON "My app"."Order" (name) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX one_null_of_each ON "My app"."Order" (name, at) NULLS NOT DISTINCT;
ALTER TABLE "My app"."Order" ADD CONSTRAINT one_code UNIQUE NULLS NOT DISTINCT (code);
ALTER TABLE "My app".line ADD CONSTRAINT some_null FOREIGN KEY (name, code) REFERENCES "My app"."Order" (name, code)
    ON DELETE SET NULL (name);
ALTER TABLE "My app".line ADD CONSTRAINT itself FOREIGN KEY (id) REFERENCES "My app"."Order" ON DELETE SET NULL (id);

-- since 18
ALTER TABLE "My app".line ADD CONSTRAINT hint FOREIGN KEY (id) REFERENCES "My app"."Order" NOT ENFORCED;
CREATE TABLE "My app".shift (desk int4range, during int4range, PRIMARY KEY (desk, during WITHOUT OVERLAPS));
CREATE TABLE "My app".work (desk int4range, during int4range,
    FOREIGN KEY (desk, PERIOD during) REFERENCES "My app".shift (desk, PERIOD during));

-- since 14
CREATE CAST (varchar AS inet) WITH INOUT AS ASSIGNMENT;
CREATE TYPE "My app".word;
CREATE FUNCTION "My app".word_in(cstring) RETURNS "My app".word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION "My app".word_out("My app".word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE "My app".word (input = "My app".word_in, output = "My app".word_out, like = text, category = 'S', preferred);
CREATE FUNCTION "My app".word_cmp("My app".word, "My app".word) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT AS 'bttextcmp';
CREATE OPERATOR CLASS "My app".word_ops DEFAULT FOR TYPE "My app".word USING btree AS
    FUNCTION 1 "My app".word_cmp("My app".word, "My app".word);

-- since 14
CREATE OPERATOR CLASS "My app".varchar_ops DEFAULT FOR TYPE varchar USING btree AS
    FUNCTION 1 bttextcmp(text, text);

-- since 14
DROP OPERATOR CLASS "My app".varchar_ops USING btree;
CREATE CAST (varchar AS "My app".word) WITHOUT FUNCTION AS IMPLICIT;
