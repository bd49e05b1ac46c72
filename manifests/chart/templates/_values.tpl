{{- /* Puts the values into one object; prints nothing. */}}
{{- define "proctor.values" }}
{{- $object := .object }}
{{- $values := .values }}
{{- if hasPrefix "proctor-recorder" $object.metadata.name }}
{{- include "proctor.recorder" . }}
{{- else if eq $object.kind "Deployment" }}
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
{{- include "proctor.job" . }}
{{- else if eq $object.kind "ResourceQuota" }}
{{- range $name, $figure := $values.quota }}
{{- $_ := set $object.spec.hard $name $figure }}
{{- end }}
{{- else if and (hasSuffix "WebhookConfiguration" $object.kind) (eq $values.certificates "cert-manager") }}
{{- $note := dict "cert-manager.io/inject-ca-from" "hydrosim-system/proctor-webhook" }}
{{- $_ := set $object.metadata "annotations" $note }}
{{- end }}
{{- end }}

{{- /* As overlays/postgres does, and what else is the recorder's. */}}
{{- define "proctor.recorder" }}
{{- $object := .object }}
{{- $values := .values }}
{{- $shared := eq $values.recorder "postgres" }}
{{- if eq $object.kind "Deployment" }}
{{- $spec := $object.spec }}
{{- $pod := $spec.template.spec }}
{{- $container := index $pod.containers 0 }}
{{- if $values.images.recorder }}
{{- $_ := set $container "image" $values.images.recorder }}
{{- end }}
{{- if $shared }}
{{- $_ := set $spec "replicas" 2 }}
{{- $rolling := dict "maxUnavailable" 0 "maxSurge" 1 }}
{{- $_ := set $spec "strategy" (dict "type" "RollingUpdate" "rollingUpdate" $rolling) }}
{{- $url := dict "secretKeyRef" (dict "name" "proctor-recorder-database" "key" "url") }}
{{- $env := list (dict "name" "PROCTOR_DATABASE" "valueFrom" $url) }}
{{- range $container.env }}
{{- if not (has .name (list "PROCTOR_DATABASE" "PROCTOR_BACKUP")) }}
{{- $env = append $env . }}
{{- end }}
{{- end }}
{{- $_ := set $container "env" $env }}
{{- $mounts := list }}
{{- range $container.volumeMounts }}
{{- if ne .name "data" }}
{{- $mounts = append $mounts . }}
{{- end }}
{{- end }}
{{- $_ := set $container "volumeMounts" $mounts }}
{{- $volumes := list }}
{{- range $pod.volumes }}
{{- if ne .name "data" }}
{{- $volumes = append $volumes . }}
{{- end }}
{{- end }}
{{- $_ := set $pod "volumes" $volumes }}
{{- end }}
{{- include "proctor.pod" (dict "pod" $pod "values" $values) }}
{{- else if or (eq $object.kind "Job") (eq $object.kind "CronJob") }}
{{- include "proctor.job" . }}
{{- else if and $shared (eq $object.kind "Service") }}
{{- $_ := unset $object.spec "publishNotReadyAddresses" }}
{{- else if and $shared (eq $object.kind "NetworkPolicy") (hasKey $object.spec "egress") }}
{{- $database := dict "ports" (list (dict "port" 5432 "protocol" "TCP")) }}
{{- $_ := set $object.spec "egress" (append $object.spec.egress $database) }}
{{- end }}
{{- end }}

{{- define "proctor.job" }}
{{- $job := .object.spec }}
{{- if eq .object.kind "CronJob" }}
{{- $job = .object.spec.jobTemplate.spec }}
{{- end }}
{{- if .values.images.tools }}
{{- $_ := set (index $job.template.spec.containers 0) "image" .values.images.tools }}
{{- end }}
{{- include "proctor.pod" (dict "pod" $job.template.spec "values" .values) }}
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
