// Package bench measures how fast boxoffice is on the machine that it runs on,
// and beside each figure how fast the machine lets anybody be.
//
// A measure compares sides: the product's own, and what stands beside it. A
// side runs as a process of its own (side.go, process.go), so that its
// processor time and its memory are its own; it is given what it works on ready
// made, does its work, and says how much of it is provably done. The sides of a
// measure take turns in rounds, in another order each round, so that what else
// the machine does meanwhile meets all of them; what is reported is the median
// over the rounds, and the ratio of a side to another within a round (rounds.go).
//
// Nothing is left behind: directories and databases are made for a run and
// removed at its end, however it ends.
package bench
