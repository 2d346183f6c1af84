package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
)

func imageChecks() []Check {
	return []Check{
		{"image.manifest", StageImage, imageManifest},
		{"image.architecture", StageImage, imageArchitecture},
		{"image.size", StageImage, imageSize},
		{"image.memory-guidance", StageImage, imageMemoryGuidance},
		{"image.layers", StageImage, imageLayers},
		{idTmp, StageImage, imageTmp},
		{"start.command", StageImage, startCommand},
		{"start.command-form", StageImage, startCommandForm},
		{"image.permissions", StageImage, imagePermissions},
		{"image.tag", StageImage, imageTag},
		{"image.waste", StageImage, imageWaste},
		{"image.reserved-variables", StageImage, imageReservedVariables},
		{idPull, StageStart, imagePull},
		{"image.region", StageImage, func(Observations) Finding { return notApplicable("there are no regions on this machine") }},
	}
}

func imageManifest(o Observations) Finding {
	c := o.Candidate
	evidence := map[string]any{"mediaType": c.MediaType}
	switch {
	case c.Unsupported != "":
		return fail(diagnose.Because(diagnose.ImageManifest, c.Unsupported), evidence)
	case c.MediaType == "":
		return Finding{Outcome: NotApplicable, Note: "the local engine and docker-save archives keep no manifest; certify the pushed image (registry:NAME) to have it judged", Evidence: evidence}
	case c.MediaType != contract.MediaTypeDocker && c.MediaType != contract.MediaTypeOCI:
		return fail(diagnose.Because(diagnose.ImageManifest, fmt.Sprintf("its manifest is of type %s", c.MediaType)), evidence)
	default:
		return pass(evidence)
	}
}

func imageArchitecture(o Observations) Finding {
	c, p := o.Candidate, o.Program
	evidence := map[string]any{"os": c.OS, "architecture": c.Architecture, "program": p.Path, "machine": p.Machine}
	var found string
	switch {
	case len(c.OtherPlatforms) > 0:
		found = "the index holds no linux/amd64, only " + strings.Join(c.OtherPlatforms, ", ")
	case c.OS != contract.OS || c.Architecture != contract.Architecture:
		found = fmt.Sprintf("the config says %q", c.OS+"/"+c.Architecture)
		if p.Machine != "" {
			found += fmt.Sprintf(", the start program %s is %s", p.Path, p.Machine)
		}
	case p.Machine != "" && p.Machine != "x86_64":
		found = fmt.Sprintf("the config says linux/amd64, and the start program %s is %s", p.Path, p.Machine)
	case p.InterpreterMachine != "" && p.InterpreterMachine != "x86_64":
		found = fmt.Sprintf("the config says linux/amd64, and the interpreter %s of %s is %s", p.Interpreter, p.Path, p.InterpreterMachine)
	default:
		return pass(evidence)
	}
	return fail(diagnose.Because(diagnose.ImageArchitecture, found), evidence)
}

func imageSize(o Observations) Finding {
	c := o.Candidate
	evidence := map[string]any{"uncompressedBytes": c.UncompressedBytes, "compressedBytes": c.CompressedBytes, "limitBytes": contract.MaxImageBytes}
	if c.UncompressedBytes < contract.MaxImageBytes {
		return pass(evidence)
	}
	largest := 0
	for n, layer := range c.Layers {
		if layer.UncompressedBytes > c.Layers[largest].UncompressedBytes {
			largest = n
		}
	}
	return fail(diagnose.Because(diagnose.ImageTooLarge, fmt.Sprintf("%d MB uncompressed; the largest of %d layers is number %d with %d MB",
		c.UncompressedBytes>>20, len(c.Layers), largest+1, c.Layers[largest].UncompressedBytes>>20)), evidence)
}

func imageMemoryGuidance(o Observations) Finding {
	low, high := contract.MemoryGuidance(o.Candidate.UncompressedBytes)
	evidence := map[string]any{"memoryMB": o.MemoryMB, "lowMB": low, "highMB": high}
	if o.MemoryMB >= low && (high == 0 || o.MemoryMB <= high) {
		return pass(evidence)
	}
	span := fmt.Sprintf("%d to %d MB", low, high)
	if high == 0 {
		span = fmt.Sprintf("more than %d MB", low)
	}
	return fail(diagnose.Because(diagnose.ImageMemory, fmt.Sprintf("%d MB configured for an image of %d MB; the table says %s", o.MemoryMB, o.Candidate.UncompressedBytes>>20, span)), evidence)
}

func imageLayers(o Observations) Finding {
	known := []types.MediaType{types.DockerLayer, types.DockerUncompressedLayer, types.OCILayer, types.OCIUncompressedLayer}
	var wrong, kinds []string
	for n, layer := range o.Candidate.Layers {
		kind := layer.Compression
		if kind == "" {
			kind = "tar"
		}
		kinds = append(kinds, kind)
		if layer.Compression == "zstd" || !slices.Contains(known, layer.MediaType) {
			wrong = append(wrong, fmt.Sprintf("layer %d is of type %s, compressed with %s", n+1, layer.MediaType, kind))
		}
	}
	return judged(diagnose.ImageLayers, wrong, map[string]any{"layers": kinds})
}

func imageTmp(o Observations) Finding {
	evidence := map[string]any{"startFilesInTmp": o.InTmp}
	if len(o.InTmp) > 0 {
		return fail(diagnose.Because(diagnose.ImageFilesInTmp, fmt.Sprintf("start command %q needs %s", o.Argv.Words, strings.Join(o.InTmp, ", "))), evidence)
	}
	if o.StartFailed != nil {
		if cause := diagnose.Start(o.StartFailed.Evidence); cause.Requirement == idTmp {
			return fail(cause, evidence)
		}
	}
	return pass(evidence)
}

func imagePermissions(o Observations) Finding {
	evidence := map[string]any{"user": o.Candidate.Config.Config.User}
	if o.Denied != nil && o.Denied.Needed == "" {
		return fail(diagnose.Because(diagnose.ImageNoSuchUser, o.Denied.String()), evidence)
	}
	if o.Denied != nil {
		return fail(diagnose.Because(diagnose.ImageNotReadable, o.Denied.String()), evidence)
	}
	return pass(evidence)
}

func imageTag(o Observations) Finding {
	switch o.Candidate.Tag {
	case "":
		return notApplicable("the image is not given by a tag")
	case "latest":
		return fail(diagnose.Because(diagnose.ImageLatest, o.Candidate.Reference+" means the tag latest"), nil)
	default:
		return pass(map[string]any{"tag": o.Candidate.Tag})
	}
}

// Waste below both of these is not worth a word.
const (
	wasteBytes  = 1 << 20
	wasteShare  = 50 // one so-many-th of the image
	wastesShown = 3
)

func imageWaste(o Observations) Finding {
	c := o.Candidate
	files, wasted, caches := o.Wasted, o.WastedBytes, o.Caches
	var cached int64
	for _, cache := range caches {
		cached += cache.Bytes
	}
	evidence := map[string]any{"wastedBytes": wasted, "cacheBytes": cached}
	much := func(bytes int64) bool { return bytes >= wasteBytes && bytes >= c.UncompressedBytes/wasteShare }
	var found []string
	if much(cached) {
		for _, cache := range caches {
			found = append(found, fmt.Sprintf("%s holds %s (layer %d)", cache.Path, size(cache.Bytes), cache.Layer))
		}
	}
	if much(wasted) {
		found = append(found, size(wasted)+" are replaced or deleted by later layers")
		for _, file := range files[:min(len(files), wastesShown)] {
			found = append(found, fmt.Sprintf("%s of layer %d, %s, by layer %d", file.Path, file.Layer, size(file.Bytes), file.By))
		}
	}
	switch {
	case len(found) == 0:
		return pass(evidence)
	case much(cached):
		return fail(diagnose.Because(diagnose.ImageCaches, diagnose.Clean(strings.Join(found, "; "))), evidence)
	default:
		return fail(diagnose.Because(diagnose.ImageWaste, diagnose.Clean(strings.Join(found, "; "))), evidence)
	}
}

// size is a number of bytes for people.
func size(bytes int64) string {
	const unit = 1024
	switch {
	case bytes >= unit*unit:
		return fmt.Sprintf("%.1f MB", float64(bytes)/(unit*unit))
	case bytes >= unit:
		return fmt.Sprintf("%.1f KB", float64(bytes)/unit)
	default:
		return fmt.Sprintf("%d bytes", bytes)
	}
}

func imageReservedVariables(o Observations) Finding {
	reserved := contract.ReservedVariables(o.Candidate.Config.Config.Env)
	return judged(diagnose.ImageReserved, reserved, nil)
}

func startCommand(o Observations) Finding {
	p := o.Program
	evidence := map[string]any{"argv": o.Argv.Words, "program": p.Path, "kind": p.Kind}
	if o.ArgvError != nil {
		return fail(diagnose.Because(diagnose.StartNoCommand, o.ArgvError.Error()), evidence)
	}
	command := fmt.Sprintf("start command %q", o.Argv.Words)
	bad := func(code diagnose.Code, found string) Finding {
		return fail(diagnose.Because(code, command+": "+found), evidence)
	}
	switch {
	case p.Kind == image.Missing && p.HoldsLine:
		return bad(diagnose.StartLineInElement, fmt.Sprintf("the first element %q holds spaces, and there is no file of that name", p.Path))
	case p.Kind == image.Missing && len(p.Searched) > 0:
		return bad(diagnose.StartNotFound, fmt.Sprintf("no %q in %s", p.Path, strings.Join(p.Searched, ":")))
	case p.Kind == image.Missing:
		return bad(diagnose.StartNotFound, "there is no file "+p.Path)
	case p.Kind == image.Directory:
		return bad(diagnose.StartNotExecutable, p.Path+" is a directory")
	case !p.Executable:
		return bad(diagnose.StartNotExecutable, fmt.Sprintf("%s has mode %04o and belongs to uid %d", p.Path, p.Mode, p.UID))
	case p.CRLF:
		return bad(diagnose.StartCRLF, fmt.Sprintf("the first line of %s ends in CRLF, so the interpreter is %q with a carriage return", p.Path, p.Interpreter))
	case p.Kind == image.Script && p.InterpreterMissing:
		return bad(diagnose.StartInterpreter, fmt.Sprintf("%s asks for the interpreter %q, which is not in the image", p.Path, p.Interpreter))
	case p.LoaderMissing:
		return bad(diagnose.StartInterpreter, fmt.Sprintf("%s asks for the dynamic loader %s, which is not in the image", p.Path, p.Loader))
	case p.Kind == image.Other:
		return bad(diagnose.StartInterpreter, p.Path+" is no ELF file and does not begin with #!, so nothing can run it")
	default:
		return pass(evidence)
	}
}

func startCommandForm(o Observations) Finding {
	evidence := map[string]any{"argv": o.Argv.Words}
	switch {
	case o.Argv.SeveralWords:
		return fail(diagnose.Because(diagnose.StartWords, fmt.Sprintf("Command is split at its spaces into %q", o.Argv.Words)), evidence)
	case o.Argv.CMDKept:
		return fail(diagnose.Because(diagnose.StartArgsKept, fmt.Sprintf("the start command is %q", o.Argv.Words)), evidence)
	default:
		return pass(evidence)
	}
}
