// Command lint runs the checks of Go code that neither go vet nor staticcheck
// has. It is a module of its own so that the service's stays lean; scripts/lint
// builds and runs it.
package main

import (
	"github.com/kisielk/errcheck/errcheck"
	sqlclose "github.com/ryanrolds/sqlclosecheck/pkg/analyzer"
	"github.com/timakin/bodyclose/passes/bodyclose"
	"golang.org/x/tools/go/analysis/multichecker"
	"golang.org/x/tools/go/analysis/passes/atomicalign"
	"golang.org/x/tools/go/analysis/passes/deepequalerrors"
	"golang.org/x/tools/go/analysis/passes/httpmux"
	"golang.org/x/tools/go/analysis/passes/nilness"
	"golang.org/x/tools/go/analysis/passes/reflectvaluecompare"
	"golang.org/x/tools/go/analysis/passes/scannererr"
	"golang.org/x/tools/go/analysis/passes/sortslice"
	"golang.org/x/tools/go/analysis/passes/sqlrowserr"
	"golang.org/x/tools/go/analysis/passes/unusedwrite"
)

func main() {
	multichecker.Main(
		atomicalign.Analyzer,
		bodyclose.Analyzer,
		deepequalerrors.Analyzer,
		errcheck.Analyzer,
		httpmux.Analyzer,
		nilness.Analyzer,
		reflectvaluecompare.Analyzer,
		scannererr.Analyzer,
		sortslice.Analyzer,
		sqlclose.NewClosedAnalyzer(),
		sqlrowserr.Analyzer,
		unusedwrite.Analyzer,
	)
}
