locals {
  # A message is tried `attempts` times, with pauses that double from `first_pause` to
  # `last_pause`, and is then a dead letter. For an alert nothing else remembers it, so its
  # attempts last for an hour and a half; an action is also in the outbox, from where `tick`
  # publishes it again. `alarm_after`: seconds that the oldest message may wait.
  deliveries = {
    respond = {
      topic        = "events"
      filter       = "NOT attributes.kind = \"command\""
      ack_deadline = 90
      first_pause  = "1s"
      last_pause   = "60s"
      attempts     = 100
      alarm_after  = 180
    }
    command = {
      topic        = "events"
      filter       = "attributes.kind = \"command\""
      ack_deadline = 90
      first_pause  = "1s"
      last_pause   = "60s"
      attempts     = 100
      alarm_after  = 180
    }
    act-pages = {
      topic        = "pages"
      filter       = null
      ack_deadline = 90
      first_pause  = "1s"
      last_pause   = "30s"
      attempts     = 30
      alarm_after  = 180
    }
    act-changes = {
      topic        = "changes"
      filter       = null
      ack_deadline = 600
      first_pause  = "10s"
      last_pause   = "60s"
      attempts     = 30
      alarm_after  = 900
    }
  }
}

resource "google_pubsub_subscription" "push" {
  for_each = local.deliveries

  name                       = "${var.prefix}-${each.key}"
  topic                      = google_pubsub_topic.topic[each.value.topic].name
  filter                     = each.value.filter
  ack_deadline_seconds       = each.value.ack_deadline
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.function[each.key].service_config[0].uri

    oidc_token {
      service_account_email = local.caller[each.key]
      audience              = google_cloudfunctions2_function.function[each.key].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = each.value.first_pause
    maximum_backoff = each.value.last_pause
  }

  dead_letter_policy {
    dead_letter_topic     = "projects/${var.project}/topics/${google_pubsub_topic.dead[each.value.topic].name}"
    max_delivery_attempts = each.value.attempts
  }

  expiration_policy {
    ttl = ""
  }

  # Without these, what is pushed first would be turned away, or could not become a dead letter.
  depends_on = [
    google_cloud_run_v2_service_iam_member.caller,
    google_pubsub_topic_iam_member.dead,
    google_service_account_iam_member.signs_in,
  ]
}
