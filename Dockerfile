# The image of every Airflow service. The slim base brings no providers whose versions could disagree with the lock.
ARG AIRFLOW_IMAGE_NAME=apache/airflow:slim-3.3.2-python3.12
FROM ${AIRFLOW_IMAGE_NAME}

USER airflow
# Volumes take over the owner of the folder that they are mounted on, so the folders are made here. Without a file of
# settings Airflow would write one, with secrets of its own; all of them come from the environment.
RUN mkdir -p /opt/airflow/segmentation /opt/airflow/store /opt/airflow/logs \
    && echo '# Settings come from the environment.' > /opt/airflow/airflow.cfg

COPY --chown=airflow:0 requirements-runtime.txt /opt/airflow/segmentation/
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /opt/airflow/segmentation/requirements-runtime.txt

COPY --chown=airflow:0 . /opt/airflow/segmentation/
# Editable, because the package finds sql/ and models/ beside itself.
RUN pip install --no-cache-dir --no-deps --editable /opt/airflow/segmentation

ENV AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/segmentation/dags \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    CLUSTERING_STORE=/opt/airflow/store
