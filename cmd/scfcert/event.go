package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite"
)

// triggerText says whose event a trigger's name stands for.
var triggerText = map[string]diagnose.Text{
	"apigw":        {EN: "API Gateway (product switched off on 2025-06-30)", ZH: "API 网关（产品已于 2025-06-30 下线）"},
	"ckafka":       {EN: "CKafka, two messages", ZH: "CKafka，两条消息"},
	"clb":          {EN: "load balancer (CLB)", ZH: "负载均衡（CLB）"},
	"cloudapi":     {EN: "cloud API: the caller's own JSON", ZH: "云 API：调用方自己的 JSON"},
	"cls":          {EN: "log service (CLS), one line", ZH: "日志服务（CLS），一行日志"},
	"cmq":          {EN: "CMQ topic (deprecated)", ZH: "CMQ 主题（已废弃）"},
	"cos":          {EN: "object storage (COS), an upload", ZH: "对象存储（COS），上传对象"},
	"eb":           {EN: "TDMQ through EventBridge, one message", ZH: "经事件总线的 TDMQ，一条消息"},
	"eb-batch":     {EN: "TDMQ through EventBridge, a batch", ZH: "经事件总线的 TDMQ，批量消息"},
	"http":         {EN: "function URL", ZH: "函数 URL"},
	"mps":          {EN: "media processing (MPS), EditMediaTask", ZH: "媒体处理（MPS），EditMediaTask"},
	"mps-workflow": {EN: "media processing (MPS), WorkflowTask", ZH: "媒体处理（MPS），WorkflowTask"},
	"timer":        {EN: "timer", ZH: "定时触发器"},
}

func eventCommand() *cobra.Command {
	var set []string
	var compact bool
	cmd := &cobra.Command{
		Use:   "event TRIGGER",
		Short: "Print an event of a trigger",
		Long: `Print the JSON that a trigger sends to POST /event-invoke. The event is a documented one with invented values; --set changes
them. "scfcert event list" names the triggers.

NAME is a field, or a path to one, with the index of an array's element: Records.0.cos.cosObject.key. VALUE becomes what the
field is: text, a number, true or false; JSON for an object or an array. The logs of cls are plain and get packed for you:
clslogs.data is one line; clslogs.data.records.0.content and the like are what is inside.`,
		Example: `  scfcert event timer --set Message='{"job":8}'
  scfcert event cos --set Records.0.cos.cosObject.key=/1250000001/pics/a.txt --set Records.0.cos.cosObject.size=7
  scfcert event cls --set clslogs.data='ERROR disk full' --compact | curl --data-binary @- http://localhost:9000/event-invoke
  scfcert event ckafka | scfcert run my-function:1.0 --event=-`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return fixtures.Triggers(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := assignments(set)
			if err != nil {
				return err
			}
			event, err := fixtures.With(args[0], values)
			if err != nil {
				return fmt.Errorf("%w: %w", suite.ErrUsage, err)
			}
			var text bytes.Buffer
			if compact {
				if err := json.Compact(&text, event); err != nil {
					return sortError(fmt.Errorf("compact the event: %w", err))
				}
				text.WriteByte('\n')
				event = text.Bytes()
			}
			if _, err := cmd.OutOrStdout().Write(event); err != nil {
				return sortError(fmt.Errorf("print: %w", err))
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "change a field, as in `NAME=VALUE`; may be repeated")
	cmd.Flags().BoolVar(&compact, "compact", false, "print the event on one line")
	cmd.AddCommand(eventListCommand())
	return cmd
}

func assignments(set []string) (map[string]string, error) {
	values := make(map[string]string, len(set))
	for _, s := range set {
		name, value, found := strings.Cut(s, "=")
		if !found {
			return nil, fmt.Errorf("%w: --set %q: want NAME=VALUE", suite.ErrUsage, s)
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("%w: --set %q: %s is set twice", suite.ErrUsage, s, name)
		}
		values[name] = value
	}
	return values, nil
}

func eventListCommand() *cobra.Command {
	var lang language
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the triggers that have an event",
		Long:  "List the triggers that have an event. MQTT and Apache Kafka have none: no public page shows their events.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, trigger := range fixtures.Triggers() {
				_, _ = fmt.Fprintf(table, "%s\t%s\n", trigger, lang.say(triggerText[trigger]))
			}
			if err := table.Flush(); err != nil {
				return sortError(fmt.Errorf("print: %w", err))
			}
			return nil
		},
	}
	lang.bind(cmd)
	return cmd
}
