package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const labelSets = 16

func labelKey(r *rand.Rand) string {
	key := pick(r, "app", "app", "tier", "a", "A.b_c-1", "", "-a", "a-", strings.Repeat("k", 60+r.Intn(6)))
	if r.Intn(4) == 0 {
		key = pick(r, "example.com", "a", "a.b-c", "A.b", "-a.b", "a..b", "", "a/b", "a_b",
			strings.Repeat("a.", 125)+pick(r, "a", "aa", "aaa", "aaaa")) + "/" + key
	}
	return damaged(r, damaged(r, key, "aZ0.-_/ \u00e9"), "a")
}

func labelValue(r *rand.Rand) string {
	return damaged(r, pick(r, "", "one", "one", "two", "1", "A.b_c-1", "-a", "a.", "_", strings.Repeat("v", 60+r.Intn(6))),
		"aZ0.-_/ \u00e9")
}

// A key that is valid mostly, so that there is something to match.
func plainKey(r *rand.Rand) string {
	if r.Intn(12) > 0 {
		return pick(r, "app", "tier", "a", "example.com/app")
	}
	return labelKey(r)
}

func plainValue(r *rand.Rand) string {
	if r.Intn(12) > 0 {
		return pick(r, "", "one", "two", "three")
	}
	return labelValue(r)
}

func expression(r *rand.Rand) meta.LabelSelectorRequirement {
	made := meta.LabelSelectorRequirement{Key: plainKey(r),
		Operator: meta.LabelSelectorOperator(pick(r, "In", "In", "NotIn", "NotIn", "Exists", "DoesNotExist"))}
	if r.Intn(20) == 0 {
		made.Operator = meta.LabelSelectorOperator(pick(r, "in", "Equals", "", "Gt"))
	}
	takesValues := made.Operator == "In" || made.Operator == "NotIn"
	if takesValues != (r.Intn(20) == 0) {
		for range 1 + r.Intn(3) {
			made.Values = append(made.Values, plainValue(r))
		}
	}
	return made
}

func selectors() kind {
	refused, total := 0, 0
	return kind{"selector", func(r *rand.Rand) question {
		selector := meta.LabelSelector{}
		for range r.Intn(3) {
			if selector.MatchLabels == nil {
				selector.MatchLabels = map[string]string{}
			}
			selector.MatchLabels[plainKey(r)] = plainValue(r)
		}
		for range r.Intn(4) {
			selector.MatchExpressions = append(selector.MatchExpressions, expression(r))
		}
		sets := make([]map[string]string, labelSets)
		for i := range sets {
			sets[i] = map[string]string{}
			for range r.Intn(4) {
				sets[i][plainKey(r)] = plainValue(r)
			}
		}
		ask := map[string]any{"ask": "selector", "selector": selector, "labels": sets}
		return question{ask, labelSets, func(answer []byte) string {
			theirs, err := meta.LabelSelectorAsSelector(&selector)
			total++
			if err != nil {
				refused++
				if !strings.HasPrefix(string(answer), `{"error":`) {
					return err.Error()
				}
				return ""
			}
			var ours []bool
			if err := json.Unmarshal(answer, &ours); err != nil || len(ours) != labelSets {
				return "it is a selector"
			}
			for i := range sets {
				if theirs.Matches(labels.Set(sets[i])) != ours[i] {
					return fmt.Sprintf("labels %v: %v", sets[i], !ours[i])
				}
			}
			return ""
		}}
	}, func() string { return fmt.Sprintf("%d of %d selectors are none", refused, total) }}
}
