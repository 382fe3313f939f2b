// Command boxoffice is the event-sourced record of what the users of a video
// streaming platform do. README.md says what it is for.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
