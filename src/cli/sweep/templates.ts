/** Job files that run a sweep on many machines: the scheduler does the rest. */

export interface TemplateOptions {
  /** The file of the sweep, and its folder, as the jobs see them. */
  file: string;
  out: string;
  shards: number;
}

/** Single-quoted for a shell where it has to be. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function slurm({ file, out, shards }: TemplateOptions): string {
  return `#!/bin/bash
#SBATCH --job-name=selfgrad-sweep
#SBATCH --array=1-${shards}
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --output=sweep-%a.log
# Submit with: sbatch sweep.sh, in the folder of your project. Set cpus and time to what your cluster has.
# Five minutes before the end selfgrad is told: it writes a checkpoint and exits with 75, and the task queues again.

npx selfgrad sweep ${quoted(file)} --out ${quoted(out)} --shard "$SLURM_ARRAY_TASK_ID/${shards}" --progress line &
job=$!
trap 'kill -TERM "$job"' TERM
wait "$job" || wait "$job"
status=$?
if [ "$status" = 75 ]; then
  exec scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit "$status"
`;
}

function kubernetes({ file, out, shards }: TemplateOptions): string {
  const command = `exec npx selfgrad sweep ${quoted(file)} --out ${quoted(out)} --shard "$((JOB_COMPLETION_INDEX + 1))/${shards}" --progress line`;
  return `# Apply with: kubectl apply -f sweep.yaml. Replace the image by one of yours that holds your project with selfgrad
# installed, and the claim by a volume that all pods can write to: the sweep's file, the data and --out lie there.
apiVersion: batch/v1
kind: Job
metadata:
  name: selfgrad-sweep
spec:
  completionMode: Indexed
  completions: ${shards}
  parallelism: ${shards}
  backoffLimitPerIndex: 3
  # A pod that was evicted is no failure: its runs go on from their checkpoints.
  podFailurePolicy:
    rules:
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 300
      containers:
        - name: selfgrad
          image: your-registry/your-project:latest
          workingDir: /sweep
          command: [bash, -c]
          args:
            - ${JSON.stringify(command)}
          resources:
            requests: { cpu: '4', memory: 8Gi }
          volumeMounts:
            - { name: sweep, mountPath: /sweep }
      volumes:
        - name: sweep
          persistentVolumeClaim: { claimName: your-claim }
`;
}

/** By the name of the scheduler. */
export const templates = { slurm, kubernetes } as const;
export type Scheduler = keyof typeof templates;
export const schedulers = Object.keys(templates) as Scheduler[];
