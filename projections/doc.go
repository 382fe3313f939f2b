// Package projections keeps the read models: rows that answer every question
// about users, figures and viewing, and that follow from the log alone.
//
// From the bottom up:
//
//   - [FoldVersion], columns.go: the tables of a generation, each column once.
//     From it follow how rows are written (rows.go, writes.go), what people's own
//     SQL sees (views.go), and what is forgotten of the erased.
//   - batch.go, fold_users.go, fold_sessions.go: a range of the log, sorted by
//     users and sessions and folded into the facts that decide their rows;
//     user_rows.go, session_rows.go and ledger.go say which rows follow.
//   - projector.go: a batch is read, folded, and saved with the position in one
//     transaction, under a lease (generation.go). fill.go folds a long log in
//     memory instead and loads the rows once.
//   - follower.go: one generation that follows the log, for ever or up to where
//     it stops. [Runner] has them follow, builds what the configuration asks for,
//     and goes on by itself after whatever went wrong; status.go is what it says
//     of itself.
//   - [Models], registry.go: which generations there are, and of which [Kind]:
//     the live one, its successor, candidates and histories (builds.go). tend.go
//     and drop.go clear away what is no longer needed; forget.go makes erasures
//     hold in all of them.
//   - [Reader] answers, from the live generation or another, always from one
//     moment: the files query_*.go, a question each. digest.go sums up all rows,
//     so that two generations can be compared.
//
// The package projectionstest holds what read models promise as tests that run
// on both engines. Package export writes files out of them.
package projections
