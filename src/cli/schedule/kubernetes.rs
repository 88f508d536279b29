//! A Kubernetes CronJob with the volume for its state. Pure.

use super::cron::shell;
use super::job::Job;
use super::when::When;
use crate::json_text::{put_list, put_text, text_of};

/// How late a start may be, in seconds: a part of the time between two starts.
const DEADLINE: (u64, u64) = (120, 3600);

/// The manifest.
pub(super) fn manifest(job: &Job, when: &When) -> String {
    let unit = &job.unit;
    let batch = format!("/batch/{}.yaml", job.name);
    let deadline = when.gap().map_or(DEADLINE.1, |gap| gap.as_secs() / 2).clamp(DEADLINE.0, DEADLINE.1);
    let fixed = ["/usr/local/bin/opnode", "run", &batch, "--state", "/state/runs"].map(str::to_owned);
    let mut command = String::new();
    put_list(&mut command, fixed.iter().chain(&job.flags), |out, word| put_text(out, word));
    let command = command.replace("\",\"", "\", \"");
    let zone = job.zone.as_ref().map(|zone| format!("  timeZone: {}\n", text_of(zone))).unwrap_or_default();
    let head = format!(
        "\
# kubectl apply -f {unit}.yaml, after the batch file and its secrets:
#   kubectl create configmap {unit} --from-file={name}.yaml={file}
#   kubectl create secret generic {unit} --from-env-file={secrets}
# The image needs opnode at /usr/local/bin/opnode. Other files of the batch (connections, definitions) go into the
# configmap too.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {unit}
spec:
  # The state of runs: one pod at a time uses it.
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {unit}
  labels:
    app.kubernetes.io/name: opnode
    app.kubernetes.io/instance: {unit}
spec:
  schedule: {times}
{zone}",
        name = job.name,
        file = shell(&job.file),
        secrets = job.secrets,
        times = text_of(&when.cron()),
    );
    head + &spec(deadline) + &pod(job, &command)
}

/// How often pods start, and what becomes of those that fail.
fn spec(deadline: u64) -> String {
    format!(
        "
  # No overlap; a run also locks its folder.
  concurrencyPolicy: Forbid
  # A start that was missed is made up for within this time.
  startingDeadlineSeconds: {deadline}
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 7
  jobTemplate:
    spec:
      # Exit code 6 is a temporary failure: the next pod resumes the run. Any other code needs a person: 8 for single
      # items that failed, 7 for items whose outcome is unknown. A pod that the cluster removes is resumed, uncounted.
      backoffLimit: 3
      podFailurePolicy:
        rules:
          - action: Ignore
            onPodConditions:
              - type: DisruptionTarget
                status: \"True\"
          - action: FailJob
            onExitCodes:
              containerName: opnode
              operator: NotIn
              values: [6]
"
    )
    .trim_start_matches('\n')
    .to_owned()
}

/// The pod.
fn pod(job: &Job, command: &str) -> String {
    format!(
        "
      template:
        spec:
          restartPolicy: Never
          # On SIGTERM a run ends in order, and is resumed.
          terminationGracePeriodSeconds: 60
          automountServiceAccountToken: false
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            runAsGroup: 10001
            fsGroup: 10001
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: opnode
              image: {image}
              command: {command}
              workingDir: /state
              env:
                - name: HOME
                  value: /state
              envFrom:
                - secretRef:
                    name: {unit}
                    optional: true
              resources:
                requests:
                  cpu: 100m
                  memory: 64Mi
                limits:
                  memory: 256Mi
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [ALL]
              volumeMounts:
                - name: state
                  mountPath: /state
                - name: batch
                  mountPath: /batch
                  readOnly: true
                - name: tmp
                  mountPath: /tmp
          volumes:
            - name: state
              persistentVolumeClaim:
                claimName: {unit}
            - name: batch
              configMap:
                name: {unit}
            - name: tmp
              emptyDir: {{}}
",
        unit = job.unit,
        image = text_of(&job.image),
    )
    .trim_start_matches('\n')
    .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::job::{Job, Times};
    use super::super::when::parse;
    use super::manifest;

    #[test]
    fn the_manifest_is_yaml_with_the_required_fields() {
        let job = Job {
            unit: "opnode-night".to_owned(),
            name: "night".to_owned(),
            program: "/usr/bin/opnode".to_owned(),
            arguments: Vec::new(),
            flags: vec!["--var".to_owned(), "text=a \"b\": #c".to_owned()],
            file: "/home/it's/night.yaml".to_owned(),
            folder: "/home".to_owned(),
            secrets: "/etc/opnode/night.env".to_owned(),
            zone: Some("Europe/Berlin".to_owned()),
            image: "opnode:1".to_owned(),
            given: std::collections::BTreeSet::new(),
            times: Times::Calendar(String::new()),
        };
        let text = manifest(&job, &parse("sun 02:00").unwrap());
        let documents: Vec<Value> =
            text.split("\n---\n").map(|document| serde_yaml::from_str(document).unwrap()).collect();
        let [claim, cron] = documents.as_slice() else { panic!("{text}") };
        let at = |pointer: &str| cron.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!((at("/apiVersion"), at("/kind")), ("batch/v1".into(), "CronJob".into()));
        assert_eq!((at("/spec/schedule"), at("/spec/timeZone")), ("0 2 * * 0".into(), "Europe/Berlin".into()));
        assert_eq!(at("/spec/concurrencyPolicy"), "Forbid");
        assert_eq!(at("/spec/startingDeadlineSeconds"), 3600);
        let pod = "/spec/jobTemplate/spec/template/spec";
        // A policy for failed pods is refused unless the pod is never restarted.
        assert_eq!(at(&format!("{pod}/restartPolicy")), "Never");
        let rule = "/spec/jobTemplate/spec/podFailurePolicy/rules/1";
        assert_eq!(at(&format!("{rule}/action")), "FailJob");
        assert_eq!(at(&format!("{rule}/onExitCodes/values")), serde_json::json!([6]));
        assert_eq!(at(&format!("{rule}/onExitCodes/containerName")), at(&format!("{pod}/containers/0/name")));
        let command = at(&format!("{pod}/containers/0/command"));
        assert_eq!(command.as_array().unwrap().last().unwrap(), "text=a \"b\": #c");
        let names = |pointer: &str| -> Vec<String> {
            let list = at(pointer);
            list.as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&format!("{pod}/containers/0/volumeMounts")), names(&format!("{pod}/volumes")));
        assert_eq!(at(&format!("{pod}/volumes/0/persistentVolumeClaim/claimName")), claim["metadata"]["name"]);
        assert_eq!(claim["spec"]["accessModes"], serde_json::json!(["ReadWriteOnce"]));
    }
}
