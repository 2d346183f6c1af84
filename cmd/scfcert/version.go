package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

func versionCommand() *cobra.Command {
	as := textOrJSON()
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tell the version of this program and of the contract that it certifies",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tool := suite.Tool()
			if as.value == "json" {
				return sortError(printJSON(cmd.OutOrStdout(), struct {
					report.Tool

					Contract string `json:"contract"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{tool, contract.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}))
			}
			commit := ""
			if tool.Commit != "" {
				commit = " (commit " + tool.Commit + ")"
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "scfcert %s%s\ncontract %s %s\n%s %s/%s\n",
				tool.Version, commit, contract.Name, contract.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return sortError(err)
		},
	}
	cmd.Flags().Var(&as, "format", "format")
	return cmd
}
