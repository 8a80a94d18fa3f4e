"""Trains on the newest months that BTS has published, and publishes the model if it beats the lookup table.

An Airflow DAG for 2.11 and 3.x: fetch -> import_flights -> train -> evaluate -> check -> publish. It needs the program
`delaycast` in the PATH of the workers, and workers that share one file system (LocalExecutor, or one machine).

Environment of the scheduler and of the workers:
    DELAYCAST_TRAINING     folder of zips, history and reports; default: $AIRFLOW_HOME/delaycast
    DELAYCAST_MODELS       model directory of the scorers; default: models in that folder
    DELAYCAST_MONTHS       months to train on; default: 12
    DELAYCAST_MONTHS_BACK  months from the run back to the newest one, which BTS must have published; default: 3
    DELAYCAST_BTS_URL      folder of the zips, for a mirror or a test; default: that of BTS
"""

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.exceptions import AirflowFailException

try:  # Airflow 3
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG, Param
except ModuleNotFoundError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param
    from airflow.operators.bash import BashOperator
    from airflow.operators.python import PythonOperator

FOLDER = Path(os.environ.get("DELAYCAST_TRAINING") or Path(os.environ.get("AIRFLOW_HOME", ".")) / "delaycast").absolute()
MODELS = os.environ.get("DELAYCAST_MODELS") or str(FOLDER / "models")
MONTHS = int(os.environ.get("DELAYCAST_MONTHS", "12"))
MONTHS_BACK = int(os.environ.get("DELAYCAST_MONTHS_BACK", "3"))
BTS_URL = os.environ.get("DELAYCAST_BTS_URL", "https://transtats.bts.gov/PREZIP/")


def window(dag_run, month):
    """Returns the MONTHS months to train on, as pairs of year and month, the newest last.

    `month` is the newest one as 2026-08; if it is empty, the one MONTHS_BACK before the run."""
    if month:
        newest = datetime.strptime(month, "%Y-%m")
        last = newest.year * 12 + newest.month - 1
    else:
        # The end of the interval is the moment of a scheduled run in Airflow 2 and 3; a run by hand may have none in 3.
        moment = dag_run.data_interval_end or dag_run.run_after
        last = moment.year * 12 + moment.month - 1 - MONTHS_BACK
    return [(number // 12, number % 12 + 1) for number in range(last - MONTHS + 1, last + 1)]


def first(months):
    return "{}-{:02}".format(*months[0])


def newest(months):
    return "{}-{:02}".format(*months[-1])


def zips(months):
    """Returns the names of the zips, as BTS gives them, separated by blanks."""
    return " ".join(f"On_Time_Reporting_Carrier_On_Time_Performance_1987_present_{y}_{m}.zip" for y, m in months)


def check():
    """Fails for good, without a retry, unless the forest's log-loss is below that of the lookup table on later days."""
    against = json.loads((FOLDER / "evaluation.json").read_text())["holdout"]["forest"]["against_lookup"]["log_loss"]
    # The upper end of the 95 % interval; a holdout of less than 7 days has no interval.
    highest = (against.get("interval") or [None, against["difference"]])[1]
    print(f"log-loss of the forest minus that of the lookup table: {against}")
    if highest >= 0:
        raise AirflowFailException(f"not better than the lookup table (up to {highest:+.4f}): nothing is published")


def bash(task, command, timeout, **env):
    """A task that runs a bash command in FOLDER. Values come by the environment, so that none is read as code."""
    return BashOperator(
        task_id=task,
        bash_command=f'set -euo pipefail\nmkdir -p "$FOLDER"\ncd "$FOLDER"\n{command}',
        env={"FOLDER": str(FOLDER), "DELAYCAST_MODELS": MODELS, **env},
        append_env=True,
        execution_timeout=timeout,
    )


with DAG(
    dag_id="delaycast_training",
    description="Fetches flights of BTS, trains, evaluates, and publishes a model",
    schedule="17 3 20 * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=24),
    params={"month": Param("", type="string", pattern=r"^(\d{4}-\d{2})?$", description="newest month, as 2026-08")},
    user_defined_macros={"window": window, "first": first, "newest": newest, "zips": zips, "loads": json.loads},
    default_args={
        "retries": 4,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=2),
    },
    tags=["delaycast"],
) as dag:
    months = "window(dag_run, params.month)"

    # Months that are there are left alone; one that is not published yet fails the task, which is then retried.
    fetch = bash(
        "fetch",
        """
        mkdir -p bts
        for zip in bts/*.zip; do
            case " $ZIPS " in *" ${zip##*/} "*) ;; *) rm -f -- "$zip" ;; esac
        done
        delaycast data fetch --from "$FROM" --to "$TO" --out bts --base-url "$BTS_URL"
        """,
        timedelta(hours=3),
        FROM="{{ first(%s) }}" % months,
        TO="{{ newest(%s) }}" % months,
        ZIPS="{{ zips(%s) }}" % months,
        BTS_URL=BTS_URL,
    )

    # A retry begins anew: `data import` writes into no directory that holds a history.
    import_flights = bash(
        "import_flights", "rm -rf history\ndelaycast data import bts --out history", timedelta(hours=1)
    )

    # The last line of the output, the JSON object, becomes the task's XCom. Without events as the CronJob: less memory.
    train = bash(
        "train",
        "delaycast train --data history --without-events --aside --format json",
        timedelta(hours=2),
    )

    # It trains on the earlier three quarters of the days and is tested on the last one.
    evaluate = bash(
        "evaluate",
        "delaycast evaluate --data history --format json --html report.html > evaluation.json",
        timedelta(hours=2),
    )

    check_task = PythonOperator(task_id="check", python_callable=check, execution_timeout=timedelta(minutes=5))

    # Running scorers take up the promoted version within seconds.
    publish = bash(
        "publish",
        'delaycast models promote "$VERSION"\ndelaycast models list',
        timedelta(minutes=5),
        VERSION="{{ loads(ti.xcom_pull(task_ids='train')).version }}",
    )

    fetch >> import_flights >> train >> evaluate >> check_task >> publish

# On GKE the program, its memory and the bucket of models are in the CronJob `train` (deploy/gke/base/train.yaml).
# A DAG there creates a Job from it and waits, in place of the tasks above:
#
#     kubectl --namespace delaycast create job "train-$(date +%s)" --from=cronjob/train
#     kubectl --namespace delaycast wait --for=condition=complete --timeout=1h job/train-…
#
# as one BashOperator with kubectl, whose service account may create and read Jobs; or as a KubernetesPodOperator with
# the image, arguments, service account and volume of that CronJob. Suspend the CronJob then, so that only one trains:
#
#     kubectl --namespace delaycast patch cronjob train --patch '{"spec":{"suspend":true}}'
