"""The database, readable without Python: schema, migrations, queries, and a small loader."""
