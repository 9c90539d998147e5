locals {
  # `act` is deployed twice: only the one for changes may touch Cloud Run. A function's time ends
  # before the ack deadline of its subscription (subscriptions.tf), so that a message is not
  # delivered to a second worker while the first is still at it.
  functions = {
    ingest      = { entry_point = "ingest", memory = "1Gi", timeout = 60 }
    slack       = { entry_point = "slack", memory = "512Mi", timeout = 30 }
    respond     = { entry_point = "respond", memory = "512Mi", timeout = 60 }
    command     = { entry_point = "command", memory = "512Mi", timeout = 60 }
    act-pages   = { entry_point = "act", memory = "512Mi", timeout = 60 }
    act-changes = { entry_point = "act", memory = "512Mi", timeout = 540 }
    tick        = { entry_point = "tick", memory = "512Mi", timeout = 60 }
    drill       = { entry_point = "drill", memory = "512Mi", timeout = 60 }
    status      = { entry_point = "status", memory = "512Mi", timeout = 60 }
  }

  # People and foreign senders come from outside; everything else comes from Pub/Sub and Cloud
  # Scheduler of this project, which count as inside
  # (https://cloud.google.com/run/docs/securing/ingress).
  open_to_outside = toset(["ingest", "slack", "status"])

  source_bucket = coalesce(var.source_bucket, "${var.project}-switchman")

  settings = merge(
    {
      GOOGLE_CLOUD_PROJECT = var.project
      SWITCHMAN_STORE      = "firestore://${var.project}/${google_firestore_database.store.name}"
      SWITCHMAN_BUS        = "pubsub://${var.project}"
    },
    var.policy == null ? {} : { SWITCHMAN_POLICY = "/workspace/${var.policy}" },
    var.status_url == null ? {} : { SWITCHMAN_URL = var.status_url },
    var.prometheus == null ? {} : { SWITCHMAN_PROMETHEUS = var.prometheus },
  )
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "${var.prefix}-functions"
  description   = "What Cloud Build makes of Switchman's source."
  location      = var.region
  format        = "DOCKER"
}

resource "google_cloudfunctions2_function" "function" {
  for_each = local.functions

  name     = "${var.prefix}-${each.key}"
  location = var.region

  build_config {
    runtime           = "python312"
    entry_point       = each.value.entry_point
    docker_repository = google_artifact_registry_repository.images.id
    service_account   = "projects/${var.project}/serviceAccounts/${local.build_account}"

    source {
      storage_source {
        bucket = local.source_bucket
        object = var.source_object
      }
    }
  }

  service_config {
    service_account_email            = local.account[each.key]
    ingress_settings                 = contains(local.open_to_outside, each.key) ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    available_cpu                    = "1"
    available_memory                 = each.value.memory
    timeout_seconds                  = each.value.timeout
    max_instance_request_concurrency = 4 # threads of the one worker; what it cannot take starts another instance
    min_instance_count               = lookup(var.min_instances, each.key, 0)
    max_instance_count               = 20
    environment_variables            = merge(local.settings, local.secret_settings[each.key])
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_project_iam_member.build,
    google_storage_bucket_iam_member.build,
  ]
}
