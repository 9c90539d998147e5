# Who may do what, as the design's table has it, and no more. Addresses are put together from
# what was configured, and not read from Google's answer, so that a plan shows every one of them.

locals {
  domain = "${var.project}.iam.gserviceaccount.com"

  account       = { for name, account in google_service_account.function : name => "${account.account_id}@${local.domain}" }
  caller        = { for name, account in google_service_account.caller : name => "${account.account_id}@${local.domain}" }
  build_account = "${google_service_account.build.account_id}@${local.domain}"

  # Google's own accounts in this project.
  pubsub_agent       = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  notification_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"

  # What comes in goes to `events`; whoever lets an event take effect announces its actions.
  publishes = {
    ingest      = ["events"]
    slack       = ["events"]
    respond     = ["pages", "changes"]
    command     = ["pages", "changes"]
    act-pages   = ["pages", "changes"]
    act-changes = ["pages", "changes"]
    tick        = ["pages", "changes"]
    drill       = ["pages", "changes"]
  }
  publications = merge([for function, topics in local.publishes :
    { for topic in topics : "${function} publishes ${topic}" => { function = function, topic = topic } }
  ]...)

  # `ingest` has no store: nobody who breaks into it learns anything.
  store_roles = {
    slack       = "roles/datastore.user"
    respond     = "roles/datastore.user"
    command     = "roles/datastore.user"
    act-pages   = "roles/datastore.user"
    act-changes = "roles/datastore.user"
    tick        = "roles/datastore.user"
    drill       = "roles/datastore.user"
    status      = "roles/datastore.viewer"
  }

  shipped_policy = "infra/policies/convex.yaml"
  stacks         = yamldecode(file("${path.module}/../../${coalesce(var.policy, local.shipped_policy)}")).stacks
  run_services = merge([for stack in local.stacks :
    { for name, service in stack.services :
      "${try(service.project, stack.project)}/${try(service.region, stack.region)}/${name}" => {
        project = try(service.project, stack.project)
        region  = try(service.region, stack.region)
        name    = name
      }
    }
  ]...)
}

# Accounts: one for each function, and one for whoever calls it.

resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "${var.prefix}-${each.key}"
  display_name = "Switchman's function ${each.key}"
}

resource "google_service_account" "caller" {
  for_each = toset(concat(keys(local.deliveries), ["tick", "drill"]))

  account_id   = "${var.prefix}-call-${each.key}"
  display_name = "Calls Switchman's function ${each.key}"
}

resource "google_service_account" "build" {
  account_id   = "${var.prefix}-build"
  display_name = "Builds Switchman's functions"
}

# The functions: topics, and the store. For the secrets see secrets.tf.

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publications

  topic  = google_pubsub_topic.topic[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${local.account[each.value.function]}"
}

resource "google_project_iam_member" "store" {
  for_each = local.store_roles

  project = var.project
  role    = each.value
  member  = "serviceAccount:${local.account[each.key]}"

  condition {
    title      = "Switchman's database only"
    expression = "resource.name == \"projects/${var.project}/databases/${google_firestore_database.store.name}\""
  }
}

# Traffic: three permissions, on the policy's services and nothing else.

resource "google_project_iam_custom_role" "traffic" {
  for_each = toset([for service in local.run_services : service.project])

  project     = each.key
  role_id     = "${replace(var.prefix, "-", "_")}_traffic"
  title       = "Switchman: traffic of a Cloud Run service"
  permissions = ["run.revisions.list", "run.services.get", "run.services.update"]
}

resource "google_cloud_run_v2_service_iam_member" "traffic" {
  for_each = local.run_services

  project  = each.value.project
  location = each.value.region
  name     = each.value.name
  role     = "projects/${each.value.project}/roles/${google_project_iam_custom_role.traffic[each.value.project].role_id}"
  member   = "serviceAccount:${local.account["act-changes"]}"
}

# Metrics: the proof of a recovery, in this project's scope, and the requests of each service where
# it runs. Google grants them on no less than a project.

resource "google_project_iam_member" "metrics" {
  for_each = toset(concat([var.project], [for service in local.run_services : service.project]))

  project = each.key
  role    = "roles/monitoring.viewer"
  member  = "serviceAccount:${local.account["act-changes"]}"
}

resource "google_service_account_iam_member" "runs_as" {
  for_each = var.run_service_accounts

  service_account_id = "projects/-/serviceAccounts/${each.key}"
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${local.account["act-changes"]}"
}

# Who may call which function: anybody only those that check a token or a signature themselves.

resource "google_cloud_run_v2_service_iam_member" "public" {
  for_each = toset(["ingest", "slack"])

  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = google_service_account.caller

  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.caller[each.key]}"
}

# `gcloud run services proxy`, by which people open the pages, looks the service up first.

resource "google_cloud_run_v2_service_iam_member" "viewer" {
  for_each = { for pair in setproduct(var.status_viewers, ["roles/run.invoker", "roles/run.viewer"]) :
    join(" ", pair) => { member = pair[0], role = pair[1] }
  }

  location = var.region
  name     = google_cloudfunctions2_function.function["status"].name
  role     = each.value.role
  member   = each.value.member
}

# Pub/Sub itself: it signs in as the callers, and moves what cannot be delivered.

resource "google_service_account_iam_member" "signs_in" {
  for_each = local.deliveries

  service_account_id = "projects/${var.project}/serviceAccounts/${local.caller[each.key]}"
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "dead" {
  for_each = google_pubsub_topic.dead

  topic  = each.value.name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  for_each = google_pubsub_subscription.push

  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Cloud Monitoring publishes its incidents as this account, which it makes for its first channel.

resource "google_pubsub_topic_iam_member" "notifications" {
  topic  = google_pubsub_topic.topic["events"].name
  role   = "roles/pubsub.publisher"
  member = local.notification_agent

  depends_on = [google_monitoring_notification_channel.events]
}

# The build: its log, its image, and the source; Google copies that to a bucket of its own first.

resource "google_project_iam_member" "build" {
  for_each = {
    "roles/logging.logWriter"    = null
    "roles/storage.objectViewer" = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }

  project = var.project
  role    = each.key
  member  = "serviceAccount:${local.build_account}"

  dynamic "condition" {
    for_each = each.value == null ? [] : [each.value]

    content {
      title      = "Sources of functions only"
      expression = condition.value
    }
  }
}

resource "google_storage_bucket_iam_member" "build" {
  bucket = local.source_bucket
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.build_account}"
}

resource "google_artifact_registry_repository_iam_member" "build" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${local.build_account}"
}
