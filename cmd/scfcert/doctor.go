package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// health is what doctor says of one thing.
type health string

const (
	well    health = "ok"
	careful health = "note" // works, and a report will say so
	ill     health = "fail"
)

// ailment is one line of doctor.
type ailment struct {
	Name   string `json:"name"`
	Health health `json:"health"`
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"` // what to do, where something can be done
}

// diskNeeded is free space below which an image of the largest size may not fit: it is there packed and unpacked.
const diskNeeded = 3 * contract.MaxImageBytes

func doctorCommand(code *int) *cobra.Command {
	as := textOrJSON()
	var lang language
	var remove bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Tell whether this machine can certify, and how strictly",
		Long: `Look at the container engine, its limits and the disk, start the built-in function once, and list what runs whose process
has died left behind. Lines that are not ok say what to do, where something can be done.

Exit codes: 0 this machine can certify, 2 it cannot.`,
		Example: "  scfcert doctor\n  scfcert doctor --remove",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			watch, err := watchSelf()
			if err != nil {
				return sortError(err)
			}
			found := examine(cmd.Context(), mockplatform.Options{WatchCommand: watch, KeepDead: !remove, Logger: slog.New(slog.DiscardHandler)}, &lang)
			for _, one := range found {
				if one.Health == ill {
					*code = 2
				}
			}
			if as.value == "json" {
				return sortError(printJSON(cmd.OutOrStdout(), found))
			}
			return sortError(printHealth(cmd.OutOrStdout(), found))
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "remove what dead runs left in the engine")
	cmd.Flags().Var(&as, "format", "format")
	lang.bind(cmd)
	return cmd
}

func printHealth(w io.Writer, found []ailment) error {
	for _, one := range found {
		if _, err := fmt.Fprintf(w, "%-4s  %-10s  %s\n", one.Health, one.Name, one.Found); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		if one.Fix != "" {
			_, _ = fmt.Fprintf(w, "      %-10s  → %s\n", "", one.Fix)
		}
	}
	return nil
}

// examine looks at everything, as far as it gets.
func examine(ctx context.Context, opts mockplatform.Options, lang *language) []ailment {
	p, err := mockplatform.Open(ctx, opts)
	if err != nil {
		return []ailment{{"engine", ill, err.Error(), ""}} // which says what to do
	}
	found := []ailment{engineLine(p.Engine(), lang), positionLine(p.Engine(), lang)}
	started := startLine(ctx, p, lang)
	found = append(found, started)
	if started.Health == well {
		found = append(found, limitLines(p, lang)...)
	}
	found = append(found, diskLines(p.Engine(), lang)...)
	left, err := p.Leftovers(ctx)
	if err != nil {
		found = append(found, ailment{"leftovers", careful, err.Error(), ""})
	} else {
		found = append(found, leftoverLine(left, !opts.KeepDead, lang))
	}
	if err := p.Close(context.WithoutCancel(ctx)); err != nil {
		found = append(found, ailment{"clean-up", careful, err.Error(), lang.word("remove it with: scfcert doctor --remove", "清理：scfcert doctor --remove")})
	}
	return found
}

func engineLine(e engine.Info, lang *language) ailment {
	line := ailment{Name: "engine", Health: well, Found: fmt.Sprintf("%s %s, API %s, %s; %s, %s, %d CPUs, %d MB, cgroup v%s, %s",
		e.Name, e.Version, e.APIVersion, e.Host, e.OS, e.Architecture, e.CPUs, e.MemoryBytes>>20, e.CgroupVersion, e.Storage)} //nolint:mnd // MB
	if e.Architecture != "amd64" {
		line.Health = careful
		line.Fix = lang.word("SCF runs linux/amd64 only; images for it run here only where the engine emulates it", "SCF 仅运行 linux/amd64；仅当引擎支持模拟时才能在此运行")
	}
	return line
}

func positionLine(e engine.Info, lang *language) ailment {
	switch {
	case e.Privileged:
		return ailment{"position", well, lang.word("root beside the engine: requests reach the function directly", "以 root 与引擎同机：请求直接到达函数"), ""}
	case e.Local:
		return ailment{
			"position", careful, lang.word("a user beside the engine: requests go through a published port, and the limit of /tmp is soft", "以普通用户与引擎同机：请求经发布端口转发，/tmp 限额为软限制"),
			lang.word("run as root for hard limits", "以 root 运行可获得硬限制"),
		}
	default:
		return ailment{"position", careful, lang.word("the engine is on another machine, or in a virtual one: limits are soft where they can only be seen from inside", "引擎位于其他机器或虚拟机：部分限制为软限制"), ""}
	}
}

// startLine starts the built-in function once, as every certification begins.
func startLine(ctx context.Context, p *mockplatform.Platform, lang *language) ailment {
	cold, err := startOnce(ctx, p)
	if err != nil {
		return ailment{"start", ill, err.Error(), lang.word("no image can be certified here until this works", "在解决之前无法认证任何镜像")}
	}
	return ailment{"start", well, fmt.Sprintf(lang.word("the built-in function starts: pulled in %d ms, ready %d ms after its start", "内置函数可启动：拉取 %d ms，启动后 %d ms 就绪"),
		cold.Pull.Milliseconds(), cold.Ready.Milliseconds()), ""}
}

func startOnce(ctx context.Context, p *mockplatform.Platform) (cold mockplatform.ColdStart, err error) {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	image, err := samplefunctions.Resolve(ctx, p, "", nil)
	if err != nil {
		return cold, err //nolint:wrapcheck // it says all
	}
	defer func() { _ = image.Close() }()
	f, err := p.Deploy(ctx, mockplatform.FunctionSpec{Name: "doctor", Image: image, MemoryMB: contract.MemoryStepMB})
	if err != nil {
		return cold, err //nolint:wrapcheck // it says all
	}
	cold, err = f.Start(ctx)
	return cold, errors.Join(err, f.Close(context.WithoutCancel(ctx)))
}

// limitLines tell how strictly limits hold here.
func limitLines(p *mockplatform.Platform, lang *language) []ailment {
	line := func(name string, strength mockplatform.Strength, hard, soft string) ailment {
		if strength == mockplatform.Hard {
			return ailment{name, well, "hard: " + hard, ""}
		}
		return ailment{name, careful, string(strength) + ": " + soft, lang.word("a report says so; run as root beside a local engine for a hard one", "报告会注明；以 root 与本机引擎同机运行可获得硬限制")}
	}
	e := p.Enforcement(contract.MaxMemoryMB)
	found := []ailment{
		line("/tmp", e.Tmp, lang.word("a file system of 512 MB", "512 MB 的独立文件系统"), lang.word("a tmpfs, whose pages count as memory", "tmpfs，占用计入内存")),
		line("root", e.Rootfs, lang.word("read-only", "只读"), lang.word("not read-only", "非只读")),
		line("memory", e.Memory, lang.word("as configured", "按配置"), lang.word("raised by the size of /tmp", "因 /tmp 而放宽")),
	}
	cpu := line("CPU", e.CPU, lang.word("memory/1280 of a processor, at most 2", "内存/1280 个处理器，最多 2 个"), "")
	if e.CPU != mockplatform.Hard {
		n := p.Engine().CPUs
		cpu.Found = fmt.Sprintf(lang.word("soft above %d MB: the engine has %d processors", "超过 %d MB 时为软限制：引擎有 %d 个处理器"), n*contract.MBPerCPU, n)
		cpu.Fix = ""
	}
	return append(found, cpu)
}

func diskLines(e engine.Info, lang *language) []ailment {
	places := []string{os.TempDir()}
	if e.Local && e.DataRoot != "" {
		places = append(places, e.DataRoot)
	}
	var found []ailment
	for _, place := range places {
		if usage, err := disk.Usage(place); err == nil { // else it is not ours to look at
			found = append(found, diskLine(place, usage.Free, lang))
		}
	}
	return found
}

func diskLine(place string, free uint64, lang *language) ailment {
	line := ailment{"disk", well, fmt.Sprintf(lang.word("%s has %d MB free", "%s 可用 %d MB"), place, free>>20), ""} //nolint:mnd // MB
	if free < diskNeeded {
		line.Health = careful
		line.Fix = fmt.Sprintf(lang.word("an image of 1 GiB may need %d MB: free some", "1 GiB 的镜像可能需要 %d MB：请清理"), diskNeeded>>20) //nolint:mnd // MB
		if place == os.TempDir() {
			line.Fix += lang.word(", or set TMPDIR", "或设置 TMPDIR")
		}
	}
	return line
}

func leftoverLine(all []mockplatform.Leftover, removed bool, lang *language) ailment {
	var dead []string
	going := 0
	for _, left := range all {
		if !left.Dead {
			going++
			continue
		}
		dead = append(dead, fmt.Sprintf(lang.word("%s (%d containers, %d image names)", "%s（%d 个容器，%d 个镜像名）"), left.Run, left.Containers, len(left.Images)))
	}
	beside := ""
	if going > 0 {
		beside = fmt.Sprintf(lang.word("; %d other runs are going on, or are of another machine", "；另有 %d 个运行正在进行或属于其他机器"), going)
	}
	switch {
	case len(dead) > 0:
		return ailment{"leftovers", careful, lang.word("of dead runs: ", "来自已终止的运行：") + strings.Join(dead, ", ") + beside, lang.word("remove them with: scfcert doctor --remove (every other command does so too)", "清理：scfcert doctor --remove（其他命令也会自动清理）")}
	case removed:
		return ailment{"leftovers", well, lang.word("none, or removed just now", "无，或刚刚已清理") + beside, ""}
	default:
		return ailment{"leftovers", well, lang.word("none", "无") + beside, ""}
	}
}
