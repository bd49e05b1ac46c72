{{- /* Puts the values into one object; prints nothing. */}}
{{- define "proctor.values" }}
{{- $object := .object }}
{{- $values := .values }}
{{- if eq $object.kind "Deployment" }}
{{- $spec := $object.spec }}
{{- if $values.replicas }}
{{- $_ := set $spec "replicas" (int $values.replicas) }}
{{- end }}
{{- $container := index $spec.template.spec.containers 0 }}
{{- if $values.images.webhook }}
{{- $_ := set $container "image" $values.images.webhook }}
{{- end }}
{{- if $values.resources }}
{{- $_ := set $container "resources" $values.resources }}
{{- end }}
{{- if $values.mode }}
{{- range $container.env }}
{{- if eq .name "PROCTOR_MODE" }}
{{- $_ := set . "value" $values.mode }}
{{- end }}
{{- end }}
{{- end }}
{{- include "proctor.pod" (dict "pod" $spec.template.spec "values" $values) }}
{{- else if or (eq $object.kind "Job") (eq $object.kind "CronJob") }}
{{- $job := $object.spec }}
{{- if eq $object.kind "CronJob" }}
{{- $job = $object.spec.jobTemplate.spec }}
{{- end }}
{{- if $values.images.tools }}
{{- $_ := set (index $job.template.spec.containers 0) "image" $values.images.tools }}
{{- end }}
{{- include "proctor.pod" (dict "pod" $job.template.spec "values" $values) }}
{{- else if eq $object.kind "ResourceQuota" }}
{{- range $name, $figure := $values.quota }}
{{- $_ := set $object.spec.hard $name $figure }}
{{- end }}
{{- else if and (hasSuffix "WebhookConfiguration" $object.kind) (eq $values.certificates "cert-manager") }}
{{- $note := dict "cert-manager.io/inject-ca-from" "hydrosim-system/proctor-webhook" }}
{{- $_ := set $object.metadata "annotations" $note }}
{{- end }}
{{- end }}

{{- define "proctor.pod" }}
{{- $pod := .pod }}
{{- if .values.imagePullSecrets }}
{{- $_ := set $pod "imagePullSecrets" .values.imagePullSecrets }}
{{- end }}
{{- if .values.nodeSelector }}
{{- $_ := set $pod "nodeSelector" .values.nodeSelector }}
{{- end }}
{{- if .values.tolerations }}
{{- $_ := set $pod "tolerations" (concat $pod.tolerations .values.tolerations) }}
{{- end }}
{{- end }}
