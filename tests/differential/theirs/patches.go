package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4" // the API server's own
)

// apply applies a patch as the API server does with a webhook's.
func apply(document, patch []byte) ([]byte, error) {
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, err
	}
	return decoded.Apply(document)
}

// ---- what the engine writes ---------------------------------------------------------------------

func patches(objects *objects) kind {
	patched, refused, total := 0, 0, 0
	return kind{"patch", func(r *rand.Rand) question {
		object := objects.next(r)
		of, resource, _ := kindOf(object)
		document := text(object)
		ask := map[string]any{"ask": "patch", "kind": of, "resource": resource,
			"namespace": pick(r, "student-1", "edits"), "object": json.RawMessage(document)}
		return question{ask, 1, func(answer []byte) string {
			ours, refusal := after(answer)
			total++
			if refusal != "" {
				refused++
				return ""
			}
			patch := text(ours["patch"])
			if string(patch) != "[]" {
				patched++
			}
			made, err := apply(document, patch)
			if err != nil {
				return fmt.Sprintf("%s does not apply: %v", patch, err)
			}
			return difference("", ours["after"], parse(made))
		}}
	}, func() string {
		return fmt.Sprintf("%d of %d patched, %d refused for a wrong type", patched, total, refused)
	}}
}

// ---- patch_apply --------------------------------------------------------------------------------

var patchKeys = []string{"a", "b", "a/b", "m~n", "", "0", "-", "\u00e9", " "}

func smallValue(r *rand.Rand, depth int) any {
	switch n := r.Intn(7); {
	case n < 2 && depth > 0:
		made := map[string]any{}
		for range r.Intn(4) {
			made[pick(r, patchKeys...)] = smallValue(r, depth-1)
		}
		return made
	case n < 4 && depth > 0:
		made := []any{}
		for range r.Intn(4) {
			made = append(made, smallValue(r, depth-1))
		}
		return made
	case n == 4:
		return r.Intn(3)
	case n == 5:
		return r.Intn(2) == 0
	}
	return pick(r, "", "a", "\u00e9\"\\")
}

// pointer leads somewhere in the value, mostly.
func pointer(r *rand.Rand, value any) string {
	made := ""
	for {
		switch at := value.(type) {
		case map[string]any:
			key := pick(r, patchKeys...)
			if keys := sortedKeys(at); len(keys) > 0 && r.Intn(5) > 0 {
				key = keys[r.Intn(len(keys))]
			}
			made += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
			value = at[key]
		case []any:
			index := r.Intn(len(at) + 1)
			if index == len(at) {
				return made + "/" + pick(r, "-", fmt.Sprint(index), fmt.Sprint(index+1))
			}
			made += fmt.Sprintf("/%d", index)
			value = at[index]
		default:
			return made
		}
		if made != "" && r.Intn(3) == 0 {
			return made
		}
	}
}

func operation(r *rand.Rand, document any) map[string]any {
	made := map[string]any{"op": pick(r, "add", "replace", "remove", "move", "copy", "test"),
		"path": pointer(r, document)}
	switch made["op"] {
	case "add", "replace", "test":
		made["value"] = smallValue(r, 2)
	case "move", "copy":
		made["from"] = pointer(r, document)
	}
	return made
}

// What we apply, the API server applies, to the same end.  The reverse is not promised: its library
// takes indices from the end, and other things that RFC 6902 has not.
func applications() kind {
	applied, total := 0, 0
	return kind{"apply", func(r *rand.Rand) question {
		document := smallValue(r, 4)
		for _, is := document.(map[string]any); !is; _, is = document.(map[string]any) {
			document = smallValue(r, 4)
		}
		document.(map[string]any)["k"] = smallValue(r, 3)
		patch := []any{}
		for range 1 + r.Intn(3) {
			patch = append(patch, operation(r, document))
		}
		before, changes := text(document), text(patch)
		ask := map[string]any{"ask": "apply", "document": json.RawMessage(before),
			"patch": json.RawMessage(changes)}
		return question{ask, 1, func(answer []byte) string {
			ours, refusal := after(answer)
			total++
			if refusal != "" {
				return ""
			}
			applied++
			made, err := apply(before, changes)
			if err != nil {
				return err.Error()
			}
			return difference("", ours["after"], parse(made))
		}}
	}, func() string { return fmt.Sprintf("%d of %d applied", applied, total) }}
}
