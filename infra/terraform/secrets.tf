# Names only: the values are added by people, and never pass through Terraform or its state.

locals {
  # By the variable that names the secret: what it is called, and which functions read it.
  secrets = merge(local.always_secret, { for variable, secret in local.prometheus_secret : variable => secret if var.prometheus_token })

  prometheus_secret = {
    SWITCHMAN_PROMETHEUS_TOKEN = { name = "prometheus-token", readers = ["act-changes"] }
  }

  always_secret = {
    SWITCHMAN_INGEST_TOKEN = { name = "ingest-token", readers = ["ingest"] }
    SLACK_SIGNING_SECRET   = { name = "slack-signing-secret", readers = ["slack"] }
    SLACK_BOT_TOKEN        = { name = "slack-bot-token", readers = ["slack", "act-pages"] }
    SWITCHMAN_LAST_RESORT  = { name = "last-resort", readers = local.watched }
  }

  # Something waits for these; what they cannot work on is told through the last resort.
  watched = ["ingest", "slack", "respond", "command", "tick", "act-pages", "act-changes"]

  secret_settings = { for function in keys(local.functions) :
    function => {
      for variable, secret in local.secrets :
      variable => "secret://${google_secret_manager_secret.secret[variable].secret_id}"
      if contains(secret.readers, function)
    }
  }

  secret_readings = merge([for variable, secret in local.secrets :
    { for function in secret.readers : "${function} reads ${secret.name}" => { function = function, variable = variable } }
  ]...)
}

resource "google_secret_manager_secret" "secret" {
  for_each = local.secrets

  secret_id = "${var.prefix}-${each.value.name}"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.secret_readings

  secret_id = google_secret_manager_secret.secret[each.value.variable].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.account[each.value.function]}"
}
