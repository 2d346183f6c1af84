package yamlfile

import (
	"errors"
	"slices"
	"testing"
)

func TestNearNamesTheLikeliestFirst(t *testing.T) {
	known := []string{"limits.memories", "image.tag", "limits.memory", "limits.memory-peak"}
	for word, want := range map[string][]string{
		"limits.memry":   {"limits.memory", "limits.memories"},
		"Limits_Memory":  {"limits.memory", "limits.memories"},
		"image.tga":      {"image.tag"},
		"image.tag.name": {"image.tag"},
		"coffee":         nil,
		"-":              nil,
		"":               nil,
	} {
		if got := Near(word, known); !slices.Equal(got, want) {
			t.Errorf("near %s are %q, want %q", word, got, want)
		}
	}
}

var errTest = errors.New("a test's")

func TestAProblemIsItsFormatsSentinelAndHasItsPlace(t *testing.T) {
	r := NewReader("f.yaml", Format{Sentinel: errTest, MaxBytes: 100, Least: "a: 1", Entries: "keys", Guide: "a guide"})
	top, ok := r.Document([]byte("\n- b: 1\n  b: 2\n"))
	if !ok || r.Err() != nil {
		t.Fatalf("the document is refused: %v", r.Err())
	}
	items, _ := r.Items(top, "[]")
	if _, ok := r.Entries(items[0], "{}"); !ok {
		t.Error("a mapping is none")
	}
	const want = "f.yaml:3:3: [0].b: this key stands twice, first in line 2; keep one of them"
	if err := r.Err(); !errors.Is(err, errTest) || err.Error() != want || !r.Bad("[0].b") || r.Bad("[0]") {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAFileThatIsTooLargeForItsFormatSaysWhatToDo(t *testing.T) {
	r := NewReader("f.yaml", Format{Sentinel: errTest, MaxBytes: 1 << 10, TooLarge: "split it"})
	if _, ok := r.Document(make([]byte, 1<<10+1)); ok || r.Err() == nil || r.Err().Error() != "f.yaml:1:1: the file has more than 1 KB; split it" {
		t.Errorf("got %v", r.Err())
	}
}
