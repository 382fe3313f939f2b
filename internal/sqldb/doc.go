// Package sqldb is the one way into SQL. It opens PostgreSQL (pgx's database/sql
// driver) and SQLite (modernc.org/sqlite) so that the rest of the program can
// write a statement once, with $1, $2 … as placeholders, and run it on either:
//
//   - [Open] opens a database, [DB.Schema] a part of it that has tables of its own;
//   - [DB.InTx] and [DB.ReadTx] run transactions, [Tx.CopyIn] loads rows in bulk;
//   - [Micros] and [UUID] are column types that mean the same on both;
//   - [DB.Migrate] brings a schema up to date;
//   - [Dialect] holds what is left of the differences.
//
// Two engines that answer differently are a bug of this package.
package sqldb
