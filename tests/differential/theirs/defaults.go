package main

import (
	"encoding/json"
	"fmt"
	"math/rand"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
)

// served is what the API server sends to a webhook of an object that it was sent: decoded, with
// defaults, into its internal type, and that converted to the version that the webhook asks for.
func served(sent []byte, of schema.GroupVersionKind) ([]byte, error) {
	internal, _, err := legacyscheme.Codecs.UniversalDecoder(
		schema.GroupVersion{Group: of.Group, Version: runtime.APIVersionInternal}).Decode(sent, &of, nil)
	if err != nil {
		return nil, err
	}
	external, err := legacyscheme.Scheme.ConvertToVersion(internal, of.GroupVersion())
	if err != nil {
		return nil, err
	}
	external.GetObjectKind().SetGroupVersionKind(of)
	return json.Marshal(external)
}

// throughKubectl is what kubectl sends of a file: numbers are read as integers or floats, and
// written as Go writes those.
func throughKubectl(file []byte) []byte {
	var object map[string]any
	if err := utiljson.Unmarshal(file, &object); err != nil {
		panic(err)
	}
	return text(object)
}

func defaults(objects *objects) kind {
	refused, total := 0, 0
	return kind{"default", func(r *rand.Rand) question {
		object := objects.next(r)
		of, _, _ := kindOf(object)
		sent := text(object)
		ask := map[string]any{"ask": "default", "kind": of, "object": json.RawMessage(sent)}
		return question{ask, 1, func(answer []byte) string {
			ours, refusal := after(answer)
			total++
			made, err := served(throughKubectl(sent), schema.GroupVersionKind{Group: of["group"], Version: of["version"],
				Kind: of["kind"]})
			if err != nil { // then no webhook is asked, so what we say of it does not matter
				refused++
				return ""
			}
			if refusal != "" {
				return "it is no error"
			}
			return difference("", ours["after"], parse(made))
		}}
	}, func() string { return fmt.Sprintf("%d of %d are none to the API server", refused, total) }}
}
