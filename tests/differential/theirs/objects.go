package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// objects makes new objects from files: members are dropped, emptied, replaced, or taken over from
// wherever else a member of the same parent stands.
type objects struct {
	seeds   [][]byte
	members map[string][]member // by the key of the object that they stand in
}

type member struct {
	key   string
	value any
}

// What the table of kinds has, and a resource each.
var resources = map[string]string{"v1/ConfigMap": "configmaps", "v1/Endpoints": "endpoints",
	"v1/Namespace": "namespaces", "v1/PersistentVolumeClaim": "persistentvolumeclaims", "v1/Pod": "pods",
	"v1/ReplicationController": "replicationcontrollers", "v1/Secret": "secrets", "v1/Service": "services",
	"v1/ServiceAccount": "serviceaccounts", "apps/v1/DaemonSet": "daemonsets",
	"apps/v1/Deployment": "deployments", "apps/v1/ReplicaSet": "replicasets",
	"apps/v1/StatefulSet":                    "statefulsets",
	"autoscaling/v1/HorizontalPodAutoscaler": "horizontalpodautoscalers",
	"autoscaling/v2/HorizontalPodAutoscaler": "horizontalpodautoscalers",
	"batch/v1/CronJob":                       "cronjobs", "batch/v1/Job": "jobs",
	"discovery.k8s.io/v1/EndpointSlice": "endpointslices", "networking.k8s.io/v1/Ingress": "ingresses",
	"networking.k8s.io/v1/NetworkPolicy": "networkpolicies",
	"policy/v1/PodDisruptionBudget":      "poddisruptionbudgets"}

func kindOf(object any) (map[string]string, map[string]string, bool) {
	version, _ := object.(map[string]any)["apiVersion"].(string)
	name, _ := object.(map[string]any)["kind"].(string)
	resource, known := resources[version+"/"+name]
	group, number, found := strings.Cut(version, "/")
	if !found {
		group, number = "", version
	}
	return map[string]string{"group": group, "version": number, "kind": name},
		map[string]string{"group": group, "version": number, "resource": resource}, known
}

func parse(text []byte) any {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	return value
}

func text(value any) []byte {
	made, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return made
}

func loadObjects(folder string) *objects {
	files, _ := filepath.Glob(folder + "/*.in.json")
	made := &objects{members: map[string][]member{}}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		value := parse(content)
		if _, _, known := kindOf(value); known {
			made.seeds = append(made.seeds, content)
			made.collect("", value)
		}
	}
	if len(made.seeds) < 50 {
		panic("hardly any objects in " + folder)
	}
	return made
}

func (o *objects) collect(key string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			if key != "" {
				o.members[key] = append(o.members[key], member{name, value[name]})
			}
			o.collect(name, value[name])
		}
	case []any:
		for _, element := range value {
			o.collect(key, element)
		}
	}
}

func sortedKeys(value map[string]any) []string {
	keys := make([]string, 0, len(value))
	for key := range value {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// A place whose value can be changed.
type place struct {
	key    string // of the nearest member that it stands in
	parent string // of the object that has that member
	value  any
	set    func(any)
	remove func()
}

func places(parent, key string, value any, found []place) []place {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			found = append(found, place{name, key, value[name], func(v any) { value[name] = v },
				func() { delete(value, name) }})
			found = places(key, name, value[name], found)
		}
	case []any:
		for i := range value {
			found = append(found, place{key, parent, value[i], func(v any) { value[i] = v }, nil})
			found = places(parent, key, value[i], found)
		}
	}
	return found
}

func zeroOf(value any) any {
	switch value.(type) {
	case string:
		return ""
	case json.Number:
		return 0
	case bool:
		return false
	case map[string]any:
		return map[string]any{}
	case []any:
		return []any{}
	}
	return nil
}

func scalarFor(r *rand.Rand, at place) any {
	switch at.value.(type) {
	case string:
		switch at.parent + "." + at.key {
		case "limits.cpu", "limits.memory", "requests.cpu", "requests.memory", "requests.storage",
			"emptyDir.sizeLimit", "averageValue":
			return servedQuantity(r)
		}
		if at.key == "image" {
			return imageText(r)
		}
		return pick(r, "", "a", "25%", "8000", "Always", "ClusterIP", "NodePort", "RollingUpdate", "OnDelete", "500m")
	case json.Number:
		return json.Number(pick(r, "0", "1", "-1", "30", "8000", "2147483647", "2147483648", "1.0", "1.5", "1e3"))
	case bool:
		return r.Intn(2) == 0
	}
	return pick(r, "", "a")
}

// servedQuantity is one that the API server hands on as it means it: not one beyond its own
// suffixes, and not one with blanks around it, which it cuts off and we refuse.
func servedQuantity(r *rand.Rand) string {
	for {
		made := quantityText(r)
		quantity, valid := readQuantity(made)
		if !valid || quantity.Cmp(zettas) < 0 && quantity.Cmp(minusZettas) > 0 && !strings.Contains(made, " ") {
			return strings.ReplaceAll(made, " ", "_")
		}
	}
}

// change makes one change to the object.
func (o *objects) change(r *rand.Rand, object any) {
	found := places("", "", object, nil)
	at := found[r.Intn(len(found))]
	if at.parent == "" && (at.key == "apiVersion" || at.key == "kind") {
		return
	}
	switch r.Intn(10) {
	case 0, 1:
		if at.remove != nil {
			at.remove()
		}
	case 2:
		at.set(zeroOf(at.value))
	case 3:
		at.set(nil)
	case 4, 5:
		if _, is := at.value.(map[string]any); !is {
			at.set(scalarFor(r, at))
		}
	default:
		o.take(r, at)
	}
}

// take puts a member into the object there that stands elsewhere in an object of the same name.
func (o *objects) take(r *rand.Rand, at place) {
	into, is := at.value.(map[string]any)
	from := o.members[at.key]
	if !is || len(from) == 0 {
		return
	}
	chosen := from[r.Intn(len(from))]
	into[chosen.key] = parse(text(chosen.value))
}

// settle takes away what we knowingly read otherwise, as it makes no difference to a rule or to
// what is refused: a null among bytes stays one, where we make it empty; and an empty list of scaling
// policies, which validation refuses, is not filled.
func settle(key string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			list, isList := value[name].([]any)
			scaling := key == "scaleUp" || key == "scaleDown"
			bytes := key == "data" || key == "binaryData"
			if bytes && value[name] == nil || scaling && name == "policies" && isList && len(list) == 0 {
				delete(value, name)
				continue
			}
			settle(name, value[name])
		}
	case []any:
		for _, element := range value {
			settle(key, element)
		}
	}
}

func (o *objects) next(r *rand.Rand) any {
	object := parse(o.seeds[r.Intn(len(o.seeds))])
	for range r.Intn(6) {
		o.change(r, object)
	}
	settle("", object)
	return object
}

// same tells whether two JSON values are equal: null members are absent, numbers are compared by
// value.
func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, is := b.(map[string]any)
		if !is {
			return false
		}
		for key, value := range x {
			if !same(value, y[key]) {
				return false
			}
		}
		for key, value := range y {
			if value != nil && x[key] == nil {
				return false
			}
		}
		return true
	case []any:
		y, is := b.([]any)
		if !is || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case json.Number:
		y, is := b.(json.Number)
		return is && sameNumber(x.String(), y.String())
	}
	return a == b
}

// difference is where two JSON values differ, "" if they do not.
func difference(path string, a, b any) string {
	if same(a, b) {
		return ""
	}
	switch x := a.(type) {
	case map[string]any:
		y, is := b.(map[string]any)
		if !is {
			break
		}
		for _, key := range append(sortedKeys(x), sortedKeys(y)...) {
			if text := difference(path+"."+key, x[key], y[key]); text != "" {
				return text
			}
		}
	case []any:
		y, is := b.([]any)
		if !is || len(x) != len(y) {
			break
		}
		for i := range x {
			if text := difference(fmt.Sprintf("%s[%d]", path, i), x[i], y[i]); text != "" {
				return text
			}
		}
	}
	return fmt.Sprintf("at %s: ours %s, want %s", path, text(a), text(b))
}

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, isX := new(big.Rat).SetString(a)
	y, isY := new(big.Rat).SetString(b)
	return isX && isY && x.Cmp(y) == 0
}

// after is the object of an answer, or its error.
func after(answer []byte) (map[string]any, string) {
	value, _ := parse(answer).(map[string]any)
	if refusal, is := value["error"].(string); is {
		return nil, refusal
	}
	return value, ""
}
