package page

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func TestEveryTextExistsInBothLanguages(t *testing.T) {
	en, zh := reflect.ValueOf(english), reflect.ValueOf(chinese)
	for n := range en.NumField() {
		name := en.Type().Field(n).Name
		if en.Field(n).Kind() == reflect.Map {
			if en.Field(n).Len() != zh.Field(n).Len() {
				t.Errorf("%s: %d and %d words", name, en.Field(n).Len(), zh.Field(n).Len())
			}
			for _, key := range en.Field(n).MapKeys() {
				if !zh.Field(n).MapIndex(key).IsValid() {
					t.Errorf("%s: %s is missing", name, key)
				}
			}
			continue
		}
		one, other := en.Field(n).String(), zh.Field(n).String()
		if one == "" || other == "" || strings.Count(one, "%") != strings.Count(other, "%") {
			t.Errorf("%s: %q and %q", name, one, other)
		}
		if name != "URL" && name != "Tag" && name != "Colon" && !strings.ContainsFunc(other, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %q is no Chinese", name, other)
		}
	}
}

func TestEveryTextIsUsed(t *testing.T) {
	var all strings.Builder
	entries, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := files.ReadFile("templates/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	inCode := map[string]bool{ // by page.go or by a method
		"NoInvocations": true, "NoLines": true, "NoLinesFound": true, "EventType": true, "HTTPType": true, "Newest": true, "Earlier": true, "Times": true,
	}
	for field := range reflect.TypeFor[texts]().Fields() {
		if field.IsExported() && !inCode[field.Name] && !strings.Contains(all.String(), ".T."+field.Name+"}") && !strings.Contains(all.String(), ".T."+field.Name+" ") {
			t.Errorf("%s is used nowhere", field.Name)
		}
	}
}
