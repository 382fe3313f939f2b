// Package projections keeps the read models: the runner that follows the log
// and folds it into their rows ([Runner]), the generations in which they stand
// ([Models]), and the questions that they answer ([Reader]).
package projections
