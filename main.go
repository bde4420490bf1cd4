// Command skerry is the public edge of a company: a reverse proxy in one binary. See package cli for its subcommands.
package main

import (
	"os"

	"skerry.dev/skerry/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
