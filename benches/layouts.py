"""The same migrations as each tool wants to find them."""

import os
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Migration:
    """One migration: a version, a name, its text, and what undoes it (or nothing)."""

    version: int
    name: str
    up: str
    down: str | None = None


def trivial(count):
    """Migrations that do nothing: what is left is the cost of running a migration.

    Each has its number in it, since sqitch takes no two scripts with the same text.
    """
    return [Migration(version, "nothing", f"-- number {version}\nselect 1;\n")
            for version in range(1, count + 1)]


def tables(count):
    """What migrations mostly are: a table with its key, an index, and a comment."""
    return [
        Migration(
            version,
            f"table_{version}",
            f"create table t{version} (\n"
            "    id bigint generated always as identity primary key,\n"
            "    name text not null,\n"
            "    amount numeric(12, 2) not null default 0,\n"
            "    created_at timestamptz not null default now()\n"
            ");\n"
            f"create index t{version}_name on t{version} (name);\n"
            f"comment on table t{version} is 'table number {version}';\n",
            f"drop table t{version};\n",
        )
        for version in range(1, count + 1)
    ]


# All that one transaction can hold: not the sample data, not what goes with CONCURRENTLY.
SHIPPED_PHASES = ("core", "logic")


def shipped(root):
    """The schema of the project at the repository's root, in the order in which evmig applies it."""
    with open(Path(root, "phases.toml"), "rb") as file:
        phases = tomllib.load(file)["phase"]
    found = []
    for phase in phases:
        for step in phase.get("step", []):
            if phase["name"] in SHIPPED_PHASES and "migrations" in step:
                found += of_step(root, step["migrations"])
    # Versions follow the order of phases and steps: evmig insists on it.
    return sorted(found, key=lambda migration: migration.version)


def of_step(root, folder):
    for path in Path(root, "migrations", folder).glob("*.sql"):
        parts = re.fullmatch(r"V(\d+)__(\w+)\.sql", path.name)
        if not parts:
            raise SystemExit(f"error: {path} has no place among the versions that all tools understand")
        down = Path(root, "rollback", folder, path.name)
        yield Migration(int(parts[1]), parts[2], path.read_text(), down.read_text() if down.exists() else None)


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def evmig(folder, migrations):
    write(f"{folder}/phases.toml",
          '[project]\nname = "bench"\n\n[[phase]]\nnumber = 1\nname = "bench"\n\n'
          '[[phase.step]]\nname = "all"\nmigrations = "1_bench/1_all"\n')
    for one in migrations:
        name = f"1_bench/1_all/V{one.version:05}__{one.name}.sql"
        write(f"{folder}/migrations/{name}", one.up)
        if one.down:
            write(f"{folder}/rollback/{name}", one.down)


def evmig_shipped(root, folder):
    """The same phases as they are shipped: with their steps and contracts."""
    text = Path(root, "phases.toml").read_text()
    head, *phases = re.split(r"(?m)^(?=\[\[phase\]\])", text)
    kept = [phase for phase in phases if re.search(r'(?m)^name = "(.*)"', phase)[1] in SHIPPED_PHASES]
    write(f"{folder}/phases.toml", head + "".join(kept))
    for step in re.findall(r'(?m)^migrations = "(.*)"', "".join(kept)):
        for name in ("migrations", "rollback"):
            shutil.copytree(Path(root, name, step), Path(folder, name, step))
    # The suites are checked to be there, and not run by `apply`.
    shutil.copytree(Path(root, "tests/database"), Path(folder, "tests/database"))


def psql(folder, migrations):
    """All files in one, for one transaction in all; and with a transaction around each."""
    write(f"{folder}/all.sql", "\n".join(one.up for one in migrations))
    write(f"{folder}/each.sql", "\n".join(f"begin;\n{one.up}\ncommit;" for one in migrations))


def refinery(folder, migrations):
    for one in migrations:
        write(f"{folder}/migrations/V{one.version}__{one.name}.sql", one.up)


def sqlx(folder, migrations):
    for one in migrations:
        write(f"{folder}/migrations/{one.version:05}_{one.name}.sql", one.up)


def dbmate(folder, migrations):
    for one in migrations:
        write(f"{folder}/db/migrations/{one.version:05}_{one.name}.sql",
              f"-- migrate:up\n{one.up}\n-- migrate:down\n{one.down or ''}")


def node_pg_migrate(folder, migrations):
    for one in migrations:
        # Its names begin with a time in milliseconds, of 13 digits.
        write(f"{folder}/migrations/{1700000000000 + one.version}_{one.name}.sql",
              f"-- Up Migration\n{one.up}\n-- Down Migration\n{one.down or ''}")


def yoyo(folder, migrations):
    for one in migrations:
        write(f"{folder}/migrations/{one.version:05}.{one.name}.sql", one.up)
        if one.down:
            write(f"{folder}/migrations/{one.version:05}.{one.name}.rollback.sql", one.down)


def sqitch(folder, migrations):
    write(f"{folder}/sqitch.conf",
          "[core]\n\tengine = pg\n[user]\n\tname = Bench\n\temail = bench@example.com\n")
    plan = ["%syntax-version=1.0.0", "%project=bench", ""]
    for one in migrations:
        name = f"m{one.version:05}_{one.name}"
        plan.append(f"{name} 2026-01-01T00:00:00Z Bench <bench@example.com> # {one.name}")
        # Its deploy scripts bring their own transaction (`sqitch add` writes it).
        write(f"{folder}/deploy/{name}.sql", f"BEGIN;\n{one.up}\nCOMMIT;\n")
        if one.down:
            write(f"{folder}/revert/{name}.sql", f"BEGIN;\n{one.down}\nCOMMIT;\n")
    write(f"{folder}/sqitch.plan", "\n".join(plan) + "\n")


def size(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
